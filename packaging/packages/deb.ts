/**
 * `npm run build:deb [-- EXECUTABLE FOLDER [ARCHITECTURE [quick]]]`: packs dist/exe/pgroute66 as
 * Debian packages into dist/deb, and prints their paths.
 */
import {execFileSync} from 'node:child_process'
import {mkdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {repository} from '../exe/plugins.ts'
import {type Entry, type Package, packagesOf, packed} from './contents.ts'
import {copyrightOf} from './copyright.ts'
import {partsInside} from './licences.ts'
import {packageOptions} from './options.ts'
import {scriptsOf} from './scripts.ts'
import {put, treeOf} from './tree.ts'

const options = packageOptions('deb')
const {version, maintainer, builtAt, folder} = options
const architecture = {x64: 'amd64', arm64: 'arm64'}[options.architecture]
if (architecture === undefined) throw new Error(`Debian has no name for ${options.architecture}`)

const licence = readFileSync(join(repository, 'LICENSE'), 'utf8')
const parts = await partsInside(options.architecture)
const date = new Date(builtAt * 1000).toUTCString().replace('GMT', '+0000')
const entryOf = (name: string) =>
  `${name} (${version}-1) unstable; urgency=medium\n\n  * ${version}: see changelog.gz.\n\n -- ${maintainer}  ${date}\n`

type Override = readonly [tag: string, reason: string]
/** Lintian's tags that stay, each with its reason. */
const elsewhere: Override = ['initial-upload-closes-no-bugs', 'The package is not uploaded to Debian.']
const overrides: Readonly<Record<string, readonly Override[]>> = {
  'pgroute66-node': [
    elsewhere,
    ['maintainer-script-calls-systemctl', 'The scripts do without the helpers of debhelper: RPM has the same ones.'],
  ],
  pgroute66: [
    elsewhere,
    ['embedded-library', 'Node.js contains its own libraries: the package is for hosts without Node.js.'],
    ['hardening-no-pie', 'The executable is the binary that Node.js publishes.'],
    ['maintainer-script-calls-systemctl', 'The scripts do without the helpers of debhelper: RPM has the same ones.'],
    ['copyright-not-using-common-license-for-apache2', 'The licences of Node.js and of packages stand as they came.'],
    ['copyright-file-contains-full-apache-2-license', 'The licences of Node.js and of packages stand as they came.'],
    ['old-fsf-address-in-copyright-file', 'The licence of Node.js stands as it came.'],
  ],
}

const licences = (name: string): readonly Entry[] => {
  const doc = `usr/share/doc/${name}`
  const tags = overrides[name] ?? [elsewhere]
  return [
    {path: `${doc}/copyright`, content: copyrightOf(licence, name === 'pgroute66' ? parts : [])},
    {path: `${doc}/changelog.gz`, content: packed(readFileSync(join(repository, 'CHANGELOG.md')))},
    {path: `${doc}/changelog.Debian.gz`, content: packed(entryOf(name))},
    ...(tags.length > 0
      ? [
          {
            path: `usr/share/lintian/overrides/${name}`,
            content: tags.map(([tag, reason]) => `# ${reason}\n${name}: ${tag} *\n`).join(''),
          },
        ]
      : []),
  ]
}

const family = {unitFolder: 'lib/systemd/system', zshFolder: 'usr/share/zsh/vendor-completions', licences}
mkdirSync(folder, {recursive: true})
for (const one of packagesOf(family, options)) process.stdout.write(`${build(one)}\n`)

function build(one: Package): string {
  const {name, entries} = one
  const tree = treeOf(entries)
  const isProgram = name === 'pgroute66'
  const size = execFileSync('du', ['-sk', tree], {encoding: 'utf8'}).split('\t')[0]
  const target = isProgram ? architecture : 'all'
  const fields = [
    `Package: ${name}`,
    `Version: ${version}-1`,
    `Architecture: ${target}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${size}`,
    ...dependsOn(name),
    'Section: database',
    'Priority: optional',
    `Description: ${one.summary}`,
    ...one.description
      .replaceAll(/(.{50,70}) /g, '$1\n')
      .split('\n')
      .map((line) => ` ${line}`),
    '',
  ]
  put(tree, {path: 'DEBIAN/control', content: fields.join('\n')})
  const configs = entries.filter((entry) => 'isConfig' in entry).map(({path}) => `/${path}\n`)
  if (configs.length > 0) put(tree, {path: 'DEBIAN/conffiles', content: configs.join('')})
  const {afterInstall, beforeRemove, afterRemove, afterPurge} = scriptsOf(one)
  const purge = afterPurge === '' ? '' : `if [ "$1" = purge ]; then\n${afterPurge}fi\n`
  script(tree, 'postinst', `if [ "$1" = configure ]; then\n${afterInstall}fi\n`)
  if (beforeRemove !== '') script(tree, 'prerm', `if [ "$1" = remove ]; then\n${beforeRemove}fi\n`)
  script(tree, 'postrm', afterRemove + purge)

  const output = join(folder, `${name}_${version}-1_${target}.deb`)
  const compression = options.isQuick ? ['-Zgzip', '-z1'] : ['-Zxz']
  execFileSync('dpkg-deb', ['--root-owner-group', ...compression, '--build', tree, output], {
    env: {...process.env, SOURCE_DATE_EPOCH: String(builtAt)},
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return output
}

function dependsOn(name: Package['name']): readonly string[] {
  if (name === 'pgroute66')
    return ['Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6, libatomic1', 'Recommends: systemd']
  // Not "=": Ansible's apt refuses a file that breaks a package of before, and installs one after the other.
  const own = `pgroute66 (>= ${version}-1)`
  return name === 'pgroute66-haproxy' ? [`Depends: ${own}, haproxy`] : [`Depends: ${own}`, 'Recommends: postgresql']
}

function script(tree: string, name: string, body: string): void {
  put(tree, {path: `DEBIAN/${name}`, content: `#!/bin/sh\nset -e\n${body}`}, 0o755)
}
