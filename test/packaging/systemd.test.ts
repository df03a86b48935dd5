import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {chmodSync, chownSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, test} from 'vitest'
import {rejoinExits} from '../../src/actuators/rejoin/problems.ts'
import {listenerKinds} from '../../src/api/listen/socket-activation.ts'
import {usualSocket} from '../../src/sources/daemon/socket-path.ts'
import {lacks} from '../support/parts.ts'

const units = join(import.meta.dirname, '..', '..', 'packaging', 'systemd')
const read = (name: string) => readFileSync(join(units, name), 'utf8')
const analyze = (...args: string[]) => {
  const {status, stdout, stderr} = spawnSync('systemd-analyze', ['--no-pager', ...args], {encoding: 'utf8'})
  return {status, output: stdout + stderr}
}

describe.skipIf(lacks('systemd'))('the units', () => {
  test('systemd-analyze verify reports nothing about the units', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pgroute66-units-'))
    // This machine has neither the program nor its manual.
    for (const name of ['pgroute66.service', 'pgroute66.socket', 'pgroute66-rejoin.service'])
      writeFileSync(
        join(folder, name),
        read(name)
          .replace('/usr/bin/pgroute66', process.execPath)
          .replace(/^Documentation=.*$/m, ''),
      )
    const {status, output} = analyze(
      'verify',
      '--man=no',
      join(folder, 'pgroute66.service'),
      join(folder, 'pgroute66.socket'),
      join(folder, 'pgroute66-rejoin.service'),
    )
    const ours = output.split('\n').filter((line) => line.includes('pgroute66'))
    assert.deepEqual([status, ours], [0, []])
  })

  test.each(['pgroute66', 'pgroute66-guard'])(
    'the sandbox of %s: an exposure of at most 2, which systemd calls OK',
    (name) => {
      const {status, output} = analyze('security', '--offline=true', '--threshold=20', join(units, `${name}.service`))
      assert.equal(status, 0, output)
      assert.match(output, /exposure level .* OK/)
    },
  )
})

test('rejoin is run again only where waiting helps; a server that pg_ctl started is not killed with the unit', () => {
  const unit = read('pgroute66-rejoin.service')
  const [, ends = ''] = /^RestartPreventExitStatus=(.*)$/m.exec(unit) ?? []
  const all = Object.keys(rejoinExits).filter((exit) => !['0', '4', '6'].includes(exit))
  assert.deepEqual(ends.split(' '), all)
  assert.match(unit, /^KillMode=process$/m)
  // systemd before 244 refuses Restart= with oneshot, and RHEL 8 has 239.
  assert.doesNotMatch(unit, /^Type=oneshot$/m)
})

test('the socket unit: the path is the one that checks use, and serve knows the name', () => {
  const unit = read('pgroute66.socket')
  assert.ok(unit.includes(`ListenStream=${usualSocket}\n`))
  const [, name = ''] = /^FileDescriptorName=(.*)$/m.exec(unit) ?? []
  assert.ok((listenerKinds as readonly string[]).includes(name), name)
})

test('a member of the group may add a socket beside those of the daemon, and replace none', {
  skip: process.getuid?.() !== 0,
}, () => {
  const [, unitMode = ''] = /^RuntimeDirectoryMode=(.*)$/m.exec(read('pgroute66.service')) ?? []
  const [, mode = ''] = /^d \/run\/pgroute66 (\d+) /m.exec(read('pgroute66.tmpfiles')) ?? []
  assert.equal(unitMode, mode)
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-run-'))
  const [owner, group, member] = [61_066, 61_067, 61_068]
  chownSync(folder, owner, group)
  chmodSync(folder, Number.parseInt(mode, 8))
  const control = join(folder, 'control.sock')
  writeFileSync(control, '')
  chownSync(control, owner, group)
  const asMember = (...args: string[]) =>
    spawnSync(args[0] ?? '', args.slice(1), {uid: member, gid: group, encoding: 'utf8'}).status
  assert.equal(asMember('touch', join(folder, 'guard.sock')), 0)
  assert.equal(asMember('rm', '-f', join(folder, 'guard.sock')), 0)
  assert.notEqual(asMember('mv', control, join(folder, 'other.sock')), 0)
  assert.notEqual(asMember('rm', '-f', control), 0)
})
