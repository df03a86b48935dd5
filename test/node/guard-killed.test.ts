import {spawnSync} from 'node:child_process'
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {removeLeftovers, writeGates} from '../../src/actuators/guard/hba-file.ts'
import {type GateRules, shut} from '../../src/core/node/guard-settings.ts'
import {lacks} from '../support/parts.ts'

const rules: GateRules = {
  databases: ['all'],
  readWrite: ['app'],
  readOnly: [],
  addresses: ['10.0.0.0/8'],
  allow: 'md5',
  deny: 'reject',
}
const module = new URL('../../src/actuators/guard/hba-file.ts', import.meta.url).href
const code = `
const {writeDeny} = await import('${module}')
const {kind} = await writeDeny(process.argv[1], ${JSON.stringify(rules)})
process.exitCode = kind === 'written' ? 0 : 9
`

/** Everything that changes a file system, by the guard and by the cp that it runs. */
const changing = [
  'rename',
  'renameat2',
  'unlink',
  'unlinkat',
  'fsync',
  'ftruncate',
  'pwrite64',
  'copy_file_range',
  'sendfile',
  'fchmod',
  'fchown',
  'fsetxattr',
  'fallocate',
]

test.skipIf(lacks('strace'))(
  'killed at each system call that changes something: the old file, or the new one',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pgroute66-killed-'))
    onTestFinished(() => rmSync(folder, {recursive: true, force: true}))
    const path = join(folder, 'pg_hba.conf')
    const site = 'local all postgres peer\n'.repeat(50)
    writeFileSync(path, site)
    await writeGates(path, rules, {readWrite: 'allow', readOnly: 'allow'})
    const before = readFileSync(path, 'utf8')
    await writeGates(path, rules, shut)
    const after = readFileSync(path, 'utf8')

    const seen = {killed: 0, old: 0, new: 0}
    for (const call of changing)
      for (let count = 1; ; count += 1) {
        writeFileSync(path, before)
        const inject = `inject=${call}:signal=SIGKILL:when=${count}`
        const argv = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${changing.join(',')}`, '-e', inject]
        const program = [process.execPath, '--input-type=module', '-e', code, path]
        // One thread for all files, because strace counts by thread.
        const env = {...process.env, UV_THREADPOOL_SIZE: '1'}
        const {status, signal} = spawnSync('strace', [...argv, '--', ...program], {env})
        const text = readFileSync(path, 'utf8')
        expect([before, after]).toContain(text)
        seen[text === after ? 'new' : 'old'] += 1
        await removeLeftovers(path)
        expect(readdirSync(folder)).toEqual(['pg_hba.conf'])
        // The run after the last such call of the guard itself ends well; cp is a child, which it survives.
        if (signal === 'SIGKILL' || status === 137) seen.killed += 1
        else break
      }
    // unlink, ftruncate, pwrite64, fsync twice, rename: a kill before the rename leaves the old file.
    expect(seen.killed).toBeGreaterThanOrEqual(6)
    expect(seen.old).toBeGreaterThanOrEqual(4)
    expect(seen.new).toBeGreaterThanOrEqual(2)
  },
)
