/**
 * `npm run build:deb [-- EXECUTABLE FOLDER [quick]]`: packs dist/exe/pgroute66 as a Debian package
 * into dist/deb, with units, manual, completions and links.
 */
import {execFileSync} from 'node:child_process'
import {chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join, resolve} from 'node:path'
import {gzipSync} from 'node:zlib'

const root = join(import.meta.dirname, '..')
const executable = resolve(process.argv[2] ?? join(root, 'dist', 'exe', 'pgroute66'))
const folder = resolve(process.argv[3] ?? join(root, 'dist', 'deb'))
/** xz takes a minute, which is too long for a test. */
const compression = process.argv[4] === 'quick' ? ['-Zgzip', '-z1'] : ['-Zxz']
const {version, description} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  description: string
}
const architecture = {x64: 'amd64', arm64: 'arm64'}[process.arch as string]
if (architecture === undefined) throw new Error(`Debian has no name for ${process.arch}`)

const tree = mkdtempSync(join(tmpdir(), 'pgroute66-deb-'))
process.on('exit', () => rmSync(tree, {recursive: true, force: true}))
chmodSync(tree, 0o755)

const write = (path: string, content: string | Buffer, mode = 0o644) => {
  mkdirSync(join(tree, dirname(path)), {recursive: true, mode: 0o755})
  writeFileSync(join(tree, path), content)
  chmodSync(join(tree, path), mode)
}
const copy = (path: string, from: string) => write(path, read(from))
/** gzip without a name and a time: the same bytes every time. */
const packed = (text: string | Buffer) => gzipSync(text, {level: 9})
const read = (from: string) => readFileSync(join(root, from))
/** The variables by which Debian's own tools learn the maintainer. */
const {DEBFULLNAME = 'The pgroute66 authors', DEBEMAIL = 'pgroute66@packages.invalid'} = process.env
const maintainer = `${DEBFULLNAME} <${DEBEMAIL}>`
const built = Number(
  process.env.SOURCE_DATE_EPOCH ?? execFileSync('git', ['log', '-1', '--format=%ct'], {cwd: root, encoding: 'utf8'}),
)
const license = read('LICENSE').toString()

mkdirSync(join(tree, 'usr/bin'), {recursive: true})
cpSync(executable, join(tree, 'usr/bin/pgroute66'))
chmodSync(join(tree, 'usr/bin/pgroute66'), 0o755)
write('usr/share/man/man1/pgroute66.1.gz', packed(read('packaging/manual/pgroute66.1')))
write('usr/share/man/man5/pgroute66.yaml.5.gz', packed(read('packaging/manual/pgroute66.yaml.5')))
for (const role of ['primary', 'standby']) {
  symlinkSync('pgroute66', join(tree, `usr/bin/pgroute66-check-${role}`))
  symlinkSync('pgroute66.1.gz', join(tree, `usr/share/man/man1/pgroute66-check-${role}.1.gz`))
}
for (const unit of ['service', 'socket'])
  copy(`lib/systemd/system/pgroute66.${unit}`, `packaging/systemd/pgroute66.${unit}`)
copy('lib/systemd/system/pgroute66-rejoin.service', 'packaging/systemd/pgroute66-rejoin.service')
copy('usr/lib/sysusers.d/pgroute66.conf', 'packaging/systemd/pgroute66.sysusers')
copy('usr/lib/tmpfiles.d/pgroute66.conf', 'packaging/systemd/pgroute66.tmpfiles')
copy('usr/share/bash-completion/completions/pgroute66', 'packaging/completions/pgroute66.bash')
copy('usr/share/zsh/vendor-completions/_pgroute66', 'packaging/completions/_pgroute66')
copy('usr/share/fish/vendor_completions.d/pgroute66.fish', 'packaging/completions/pgroute66.fish')
const example = ['init', 'postgres://pgroute66@10.0.0.1,10.0.0.2,10.0.0.3/postgres']
const sample = execFileSync(executable, example, {env: {HOME: '/var/lib/pgroute66'}, encoding: 'utf8'})
// systemd gives the service both folders, so the example uses them.
write('usr/share/doc/pgroute66/examples/config.yaml', sample.replaceAll(/^# (socket|state_dir):/gm, '$1:'))
write('usr/share/doc/pgroute66/changelog.gz', packed(read('CHANGELOG.md')))
const date = new Date(built * 1000).toUTCString().replace('GMT', '+0000')
const entry = `pgroute66 (${version}-1) unstable; urgency=medium\n\n  * ${version}: see changelog.gz.\n\n -- ${maintainer}  ${date}\n`
write('usr/share/doc/pgroute66/changelog.Debian.gz', packed(entry))
write(
  'usr/share/doc/pgroute66/copyright',
  `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: The pgroute66 authors\nLicense: Expat\n${indented(license)}\n`,
)
// Node.js contains its own libraries: the package is for hosts without Node.js.
write('usr/share/lintian/overrides/pgroute66', 'pgroute66: embedded-library *\n')
write(
  'DEBIAN/control',
  [
    'Package: pgroute66',
    `Version: ${version}-1`,
    `Architecture: ${architecture}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${execFileSync('du', ['-sk', tree], {encoding: 'utf8'}).split('\t')[0]}`,
    'Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6, libatomic1',
    'Recommends: systemd',
    'Section: database',
    'Priority: optional',
    'Description: which PostgreSQL host may be written to, and which read from',
    ` ${description.replaceAll(/(.{50,70}) /g, '$1\n ')}`,
    '',
  ].join('\n'),
)
write('DEBIAN/postinst', readFileSync(join(import.meta.dirname, 'deb', 'postinst')), 0o755)
write('DEBIAN/prerm', readFileSync(join(import.meta.dirname, 'deb', 'prerm')), 0o755)
write('DEBIAN/postrm', readFileSync(join(import.meta.dirname, 'deb', 'postrm')), 0o755)

mkdirSync(folder, {recursive: true})
const output = join(folder, `pgroute66_${version}-1_${architecture}.deb`)
execFileSync('dpkg-deb', ['--root-owner-group', ...compression, '--build', tree, output], {
  env: {...process.env, SOURCE_DATE_EPOCH: String(built)},
  stdio: ['ignore', 'ignore', 'inherit'],
})
process.stdout.write(`${output}\n`)

function indented(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line}`))
    .join('\n')
}
