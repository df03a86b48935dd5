/**
 * `npm run build:rpm [-- EXECUTABLE FOLDER [ARCHITECTURE [quick]]]`: packs dist/exe/pgroute66 as
 * RPMs for RHEL 8 and later into dist/rpm, by rpmbuild, and prints their paths.
 */
import {execFileSync} from 'node:child_process'
import {copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {basename, join} from 'node:path'
import {repository} from '../exe/plugins.ts'
import {needed} from '../exe/runtime.ts'
import {type Entry, type Package, packagesOf} from './contents.ts'
import {licencesOf, noticesOf} from './copyright.ts'
import {partsInside} from './licences.ts'
import {packageOptions} from './options.ts'
import {scriptsOf} from './scripts.ts'
import {treeOf} from './tree.ts'

const options = packageOptions('rpm')
const {version, maintainer, builtAt, folder} = options
const architecture = {x64: 'x86_64', arm64: 'aarch64'}[options.architecture]
if (architecture === undefined) throw new Error(`RPM has no name for ${options.architecture}`)
needed('rpmbuild', 'rpm')

const parts = await partsInside(options.architecture)
const licences = (name: string): readonly Entry[] => {
  const place = `usr/share/licenses/${name}`
  const own = {path: `${place}/LICENSE`, content: readFileSync(join(repository, 'LICENSE'))}
  return name === 'pgroute66' ? [own, {path: `${place}/THIRD-PARTY`, content: noticesOf(parts)}] : [own]
}
const family = {unitFolder: 'usr/lib/systemd/system', zshFolder: 'usr/share/zsh/site-functions', licences}

const work = mkdtempSync(join(tmpdir(), 'pgroute66-rpm-'))
process.on('exit', () => rmSync(work, {recursive: true, force: true}))
mkdirSync(folder, {recursive: true})
for (const one of packagesOf(family, options)) process.stdout.write(`${build(one)}\n`)

function build(one: Package): string {
  const tree = treeOf(one.entries)
  const spec = join(work, `${one.name}.spec`)
  writeFileSync(spec, specOf(one, tree))
  const target = one.name === 'pgroute66' ? architecture : 'noarch'
  const defines = [`_topdir ${work}`, `_binary_payload ${options.isQuick ? 'w1.gzdio' : 'w6.xzdio'}`]
  execFileSync('rpmbuild', ['-bb', '--quiet', '--target', `${target}-linux`, ...defines.flatMap(defined), spec], {
    env: {...process.env, SOURCE_DATE_EPOCH: String(builtAt)},
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const made = readdirSync(join(work, 'RPMS', String(target))).find((name) => name.startsWith(`${one.name}-${version}`))
  if (made === undefined) throw new Error(`rpmbuild made no ${one.name}`)
  const output = join(folder, basename(made))
  copyFileSync(join(work, 'RPMS', String(target), made), output)
  return output
}

function defined(text: string): [string, string] {
  return ['--define', text]
}

function specOf(one: Package, tree: string): string {
  const {afterInstall, beforeRemove, afterRemove} = scriptsOf(one)
  const isProgram = one.name === 'pgroute66'
  const date = new Date(builtAt * 1000).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+).*/, '$1 $3 $2 $4')
  return `${[
    // The executable carries its program behind the ELF file: a stripped one is Node.js alone.
    '%global debug_package %{nil}',
    '%global __os_install_post %{nil}',
    '%global _build_id_links none',
    '%global use_source_date_epoch_as_buildtime 1',
    '%global clamp_mtime_to_source_date_epoch 1',
    '%global _buildhost pgroute66.invalid',
    `Name: ${one.name}`,
    `Version: ${version}`,
    'Release: 1',
    `Summary: ${one.summary[0]?.toUpperCase()}${one.summary.slice(1)}`,
    `License: ${isProgram ? licencesOf(parts) : 'MIT'}`,
    'URL: https://pgroute66.invalid/',
    `Packager: ${maintainer}`,
    'Group: Applications/Databases',
    'AutoReqProv: no',
    ...requiresOf(one.name).map((name) => `Requires: ${name}`),
    ...(isProgram ? ['Requires(post): systemd'] : []),
    ...(isProgram ? [] : ['BuildArch: noarch']),
    `%description\n${one.description.replaceAll(/(.{50,70}) /g, '$1\n')}`,
    `%install\nmkdir -p %{buildroot}\ncp -a ${tree}/. %{buildroot}/`,
    `%post\n${afterInstall}`,
    // $1 is the number of installations that stay: 0 is a removal, 1 an upgrade.
    ...(beforeRemove === '' ? [] : [`%preun\nif [ "$1" -eq 0 ]; then\n${beforeRemove}fi`]),
    `%postun\n${afterRemove}`,
    `%files\n%defattr(-,root,root,-)\n${filesOf(one.entries)}`,
    `%changelog\n* ${date} ${maintainer} - ${version}-1\n- ${version}: see CHANGELOG.md.`,
  ].join('\n')}\n`
}

function requiresOf(name: Package['name']): readonly string[] {
  if (name === 'pgroute66') return ['glibc >= 2.28', 'libstdc++', 'libgcc', 'libatomic']
  return [`pgroute66 = ${version}`, ...(name === 'pgroute66-haproxy' ? ['haproxy'] : [])]
}

function filesOf(entries: readonly Entry[]): string {
  const lines = entries.map((entry) => {
    if ('isConfig' in entry) return `%config(noreplace) /${entry.path}`
    if (entry.path.startsWith('usr/share/licenses/')) return `%license /${entry.path}`
    return /^usr\/share\/(doc|man)\//.test(entry.path) ? `%doc /${entry.path}` : `/${entry.path}`
  })
  return lines.join('\n')
}
