import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {beforeAll, describe, test} from 'vitest'
import {Jail} from '../cli/jail.ts'
import {lacks} from '../support/parts.ts'

const builder = join(import.meta.dirname, '..', '..', 'packaging', 'deb.ts')
const output = (program: string, ...args: string[]) =>
  execFileSync(program, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']})

describe('the Debian package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-deb-'))
  let file = ''
  beforeAll(() => {
    file = output(process.execPath, builder, new Jail().executable, folder, 'quick').trim()
  })

  test('the package holds every file a host needs, and only root may change them', () => {
    const contents = output('dpkg-deb', '--contents', file)
    for (const path of [
      'usr/bin/pgroute66',
      'usr/bin/pgroute66-check-primary -> pgroute66',
      'usr/bin/pgroute66-check-standby -> pgroute66',
      'lib/systemd/system/pgroute66.service',
      'lib/systemd/system/pgroute66.socket',
      'usr/lib/sysusers.d/pgroute66.conf',
      'usr/lib/tmpfiles.d/pgroute66.conf',
      'usr/share/man/man1/pgroute66.1.gz',
      'usr/share/man/man5/pgroute66.yaml.5.gz',
      'usr/share/bash-completion/completions/pgroute66',
      'usr/share/zsh/vendor-completions/_pgroute66',
      'usr/share/fish/vendor_completions.d/pgroute66.fish',
      'usr/share/doc/pgroute66/examples/config.yaml',
    ])
      assert.ok(contents.includes(` ./${path}\n`), path)
    for (const line of contents.trim().split('\n'))
      assert.match(line, /^(-rw-r--r--|-rwxr-xr-x|drwxr-xr-x|lrwxrwxrwx) root\/root /)
  })

  test('the unpacked program runs under each of its names, and accepts the example configuration', () => {
    const root = join(folder, 'root')
    output('dpkg-deb', '--extract', file, root)
    assert.match(output(join(root, 'usr/bin/pgroute66'), '--version'), /^pgroute66\//)
    assert.match(output(join(root, 'usr/bin/pgroute66-check-primary'), '--help'), /Judge a host/)
    const example = join(root, 'usr/share/doc/pgroute66/examples/config.yaml')
    assert.equal(output(join(root, 'usr/bin/pgroute66'), 'config', 'check', '-c', example), 'ok\n')
  })

  test.skipIf(lacks('lintian'))('lintian reports no error', {timeout: 600_000}, () => {
    output('lintian', '--fail-on', 'error', file)
  })
})
