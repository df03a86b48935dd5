import assert from 'node:assert/strict'
import {execFileSync, spawnSync} from 'node:child_process'
import {chmodSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {beforeAll, describe, test} from 'vitest'
import {bundle} from '../../packaging/exe/bundle.ts'
import {Jail} from '../cli/jail.ts'
import {lacks} from '../support/parts.ts'
import {mayBoot} from './booted-host.ts'

const packaging = join(import.meta.dirname, '..', '..', 'packaging', 'packages')
const output = (program: string, ...args: string[]) =>
  execFileSync(program, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64e6})

const folder = mkdtempSync(join(tmpdir(), 'pgroute66-packages-'))
let executable = ''
const built = (kind: 'deb' | 'rpm') =>
  output(process.execPath, join(packaging, `${kind}.ts`), executable, folder, process.arch, 'quick')
    .trim()
    .split('\n')
const named = (files: readonly string[], name: string) => {
  const file = files.find((path) => path.split('/').at(-1)?.startsWith(name))
  assert.ok(file, `${name} is not in ${files.join(', ')}`)
  return file
}
beforeAll(() => {
  executable = new Jail().executable
})

/** Paths in both families. */
const shared = [
  'usr/bin/pgroute66',
  'usr/lib/sysusers.d/pgroute66.conf',
  'usr/lib/tmpfiles.d/pgroute66.conf',
  'etc/logrotate.d/pgroute66',
  'usr/share/man/man1/pgroute66.1.gz',
  'usr/share/man/man5/pgroute66.yaml.5.gz',
  'usr/share/bash-completion/completions/pgroute66',
  'usr/share/fish/vendor_completions.d/pgroute66.fish',
  'usr/share/doc/pgroute66/README.md',
  'usr/share/doc/pgroute66/runbook.md',
  'usr/share/doc/pgroute66/examples/config.yaml',
  'usr/share/pgroute66/prometheus/alerts.yml',
  'usr/share/pgroute66/prometheus/guard-alerts.yml',
  'usr/share/pgroute66/grafana/pgroute66.json',
]

describe('the Debian packages', () => {
  let files: readonly string[] = []
  let file = ''
  beforeAll(() => {
    files = built('deb')
    file = named(files, 'pgroute66_')
  })

  test('they hold every file a host needs, and only root may change them', () => {
    const contents = output('dpkg-deb', '--contents', file)
    for (const path of [
      ...shared,
      'usr/bin/pgroute66-check-primary -> pgroute66',
      'usr/bin/pgroute66-check-standby -> pgroute66',
      'lib/systemd/system/pgroute66.service',
      'lib/systemd/system/pgroute66.socket',
      'usr/share/zsh/vendor-completions/_pgroute66',
      'usr/share/doc/pgroute66/copyright',
    ])
      assert.ok(contents.includes(` ./${path}\n`), path)
    const haproxy = output('dpkg-deb', '--contents', named(files, 'pgroute66-haproxy_'))
    const node = output('dpkg-deb', '--contents', named(files, 'pgroute66-node_'))
    for (const path of [
      'lib/systemd/system/pgroute66-rejoin.service',
      'lib/systemd/system/pgroute66-guard.service',
      'usr/share/pgroute66/systemd/postgresql-deny.conf',
    ])
      assert.ok(node.includes(` ./${path}\n`), path)
    for (const path of ['etc/pgroute66/haproxy.cfg', 'lib/systemd/system/pgroute66.service.d/haproxy.conf'])
      assert.ok(haproxy.includes(` ./${path}\n`), path)
    for (const line of `${contents}${haproxy}`.trim().split('\n'))
      assert.match(line, /^(-rw-r--r--|-rwxr-xr-x|drwxr-xr-x|lrwxrwxrwx) root\/root /)
  })

  test('the unpacked program runs under each of its names, and accepts the example configuration', () => {
    const root = join(folder, 'root')
    output('dpkg-deb', '--extract', file, root)
    assert.match(output(join(root, 'usr/bin/pgroute66'), '--version'), /^pgroute66\//)
    assert.match(output(join(root, 'usr/bin/pgroute66-check-primary'), '--help'), /Judge a host/)
    const example = join(root, 'usr/share/doc/pgroute66/examples/config.yaml')
    assert.match(output(join(root, 'usr/bin/pgroute66'), 'config', 'check', '-c', example), /^ok\n/)
  })

  test('the copyright tells of Node.js and of every npm package in the executable', async () => {
    const root = join(folder, 'root')
    const text = readFileSync(join(root, 'usr/share/doc/pgroute66/copyright'), 'utf8')
    const {packages} = await bundle()
    assert.ok(packages.length > 100)
    for (const path of packages) {
      const {name, version} = JSON.parse(readFileSync(join(packaging, '..', '..', path, 'package.json'), 'utf8'))
      assert.ok(text.includes(`\nFiles: node_modules/${name}-${version}/*\nCopyright: `), path)
    }
    assert.match(text, /^Files: node\/\*$/m)
    assert.match(text, /OpenSSL/)
    // Each stanza has its text: none is a name alone.
    for (const stanza of text.trim().split('\n\n').slice(1))
      assert.match(stanza, /^Files: .+\nCopyright: .+\n(?: {11}.+\n)*License: .+\n(?: .+\n?){5}/, stanza.slice(0, 200))
  })

  test('the others accept a newer program: Ansible installs one file after the other, the program first', () => {
    for (const name of ['pgroute66-haproxy_', 'pgroute66-node_'])
      assert.match(output('dpkg-deb', '--field', named(files, name), 'Depends'), /^pgroute66 \(>= /)
  })

  test('an upgrade restarts no guard, whose gates would shut; a removal stops it', () => {
    const scripts = join(folder, 'guard-scripts')
    output('dpkg-deb', '--control', named(files, 'pgroute66-node_'), scripts)
    const read = (name: string) => readFileSync(join(scripts, name), 'utf8')
    assert.doesNotMatch(read('postinst'), /restart pgroute66-guard/)
    assert.match(read('postinst'), /pgroute66-guard\.service goes on/)
    assert.match(read('prerm'), /systemctl stop pgroute66-guard\.service/)
  })

  test('an upgrade or a removal never stops a rejoin that runs', () => {
    const scripts = join(folder, 'node-scripts')
    output('dpkg-deb', '--control', named(files, 'pgroute66-node_'), scripts)
    const read = (name: string) => readFileSync(join(scripts, name), 'utf8')
    assert.doesNotMatch(read('postinst'), /rejoin/)
    assert.match(read('prerm'), /systemctl disable .*pgroute66-rejoin\.service/)
    assert.doesNotMatch(read('prerm'), /(stop|--now).*rejoin/)
  })

  test.skipIf(lacks('HAProxy'))('HAProxy accepts the haproxy.cfg of its package', () => {
    const root = join(folder, 'haproxy-root')
    output('dpkg-deb', '--extract', named(files, 'pgroute66-haproxy_'), root)
    const {status, stdout, stderr} = spawnSync('/usr/sbin/haproxy', [
      '-c',
      '-f',
      join(root, 'etc/pgroute66/haproxy.cfg'),
    ])
    assert.equal(status, 0, `${stdout}${stderr}`)
  })

  test.skipIf(lacks('lintian'))('lintian reports no error and no warning', {timeout: 600_000}, () => {
    const {status, stdout} = spawnSync('lintian', ['--fail-on', 'error,warning', ...files], {encoding: 'utf8'})
    assert.deepEqual([status, stdout], [0, ''])
  })
})

describe.skipIf(lacks('rpmbuild'))('the RPMs', () => {
  let files: readonly string[] = []
  beforeAll(() => {
    files = built('rpm')
  })

  test('they hold the same files, in the places of RPM, with the licence of each part', () => {
    const listed = output('rpm', '-qpl', ...files).split('\n')
    for (const path of [
      ...shared,
      'usr/bin/pgroute66-check-primary',
      'usr/lib/systemd/system/pgroute66.service',
      'usr/lib/systemd/system/pgroute66.socket',
      'usr/share/zsh/site-functions/_pgroute66',
      'usr/share/licenses/pgroute66/LICENSE',
      'usr/share/licenses/pgroute66/THIRD-PARTY',
      'usr/lib/systemd/system/pgroute66-guard.service',
      'usr/share/pgroute66/systemd/postgresql-deny.conf',
      'etc/pgroute66/haproxy.cfg',
    ])
      assert.ok(listed.includes(`/${path}`), path)
    const configs = output('rpm', '-qp', '--configfiles', ...files)
    assert.deepEqual(configs.trim().split('\n').sort(), ['/etc/logrotate.d/pgroute66', '/etc/pgroute66/haproxy.cfg'])
    const requires = output('rpm', '-qp', '--requires', named(files, 'pgroute66-haproxy-'))
    assert.match(requires, /^pgroute66 = /m)
    // Of RHEL 8: glibc 2.28. What rpmbuild finds in the executable would be those of this machine.
    assert.match(output('rpm', '-qp', '--requires', named(files, 'pgroute66-0')), /^glibc >= 2\.28$/m)
  })

  test.skipIf(!mayBoot())('rpm --root in a Debian root: files, user, folders, unit; upgrade; removal', () => {
    const script = join(import.meta.dirname, 'rpm-root.sh')
    const place = mkdtempSync(join(tmpdir(), 'pgroute66-rpm-'))
    const {status, stdout, stderr} = spawnSync(
      'unshare',
      ['--mount', '--pid', '--fork', 'sh', script, place, ...files],
      {
        encoding: 'utf8',
      },
    )
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout, /^pgroute66:x:\d+:\d+:pgroute66:\/var\/lib\/pgroute66:\/usr\/sbin\/nologin$/m)
    assert.match(stdout, /^root:pgroute66 750 .*\/etc\/pgroute66$/m)
    assert.match(stdout, /^pgroute66:pgroute66 750 .*\/var\/lib\/pgroute66$/m)
    assert.match(stdout, /^pgroute66\/\S+ linux-/m)
    assert.match(stdout, /^verify: $/m)
    assert.match(stdout, /^upgraded: changed by the operator$/m)
    assert.match(stdout, /^left: memory\.json haproxy\.cfg\.rpmsave$/m)
  })

  test.skipIf(lacks('rpmlint'))('rpmlint reports no error and no warning', {timeout: 600_000}, () => {
    // rpmlint 2.4 expects UTF-8 of readelf, which prints bytes of the section .comment.
    const bin = mkdtempSync(join(folder, 'bin-'))
    writeFileSync(join(bin, 'readelf'), '#!/bin/sh\n/usr/bin/readelf "$@" | iconv -c -f utf8 -t utf8\n')
    chmodSync(join(bin, 'readelf'), 0o755)
    const rpmlint = ['-c', join(packaging, 'rpmlint.toml'), ...files]
    const {status, stdout} = spawnSync('rpmlint', rpmlint, {
      encoding: 'utf8',
      env: {PATH: `${bin}${delimiter}/usr/bin${delimiter}/bin`, LC_ALL: 'C.UTF-8'},
    })
    assert.equal(status, 0, stdout)
    assert.match(stdout, /3 packages .* 0 errors, 0 warnings/)
  })
})
