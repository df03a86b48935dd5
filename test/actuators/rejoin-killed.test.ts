import {execFileSync} from 'node:child_process'
import {existsSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {followersOf, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {killAndReturn, startKillStage} from '../support/rejoin-kills.ts'
import {
  archives,
  checksum,
  follow,
  killedRejoin,
  type RejoinStage,
  rejoin,
  startsAlone,
  walOf,
  workersIn,
} from '../support/rejoin-stage.ts'

const slot = 'slot: host1_slot'

/**
 * A kill when a step begins or is done, and what the next run says: `0`: it finishes the work. `10`: the
 * data is mixed, and a clone is the way on.
 */
const kills = [
  {step: 'archive', when: 'is done', next: 0},
  {step: 'restore', when: 'is done', next: 0},
  {step: 'start', when: 'begins', next: 0},
] as const

describe.skipIf(lacks('PostgreSQL 15'))('a rejoin that is killed', () => {
  let stage: RejoinStage
  let again: () => Promise<void>
  beforeAll(async () => {
    ;({stage, again} = await startKillStage())
  })
  afterAll(() => stage[Symbol.asyncDispose]())

  test.each(kills)('when $step $when: the next run ends with $next', async ({step, when, next}) => {
    await again()
    const {host1, host2} = stage
    const killed = await killedRejoin(stage, host1, {step, when}, {args: ['--accept-loss'], rejoin: slot})
    expect(killed.signal, killed.stdout + killed.stderr).toBe('SIGKILL')
    const ran = await rejoin(stage, host1, {args: ['--accept-loss'], rejoin: slot})
    expect(ran.code, ran.stdout + ran.stderr).toBe(next)
    expect(await followersOf(host2)).toEqual(['host1', 'host3'])
    expect(archives(stage).some((archive) => walOf(archive).commits === 1)).toBe(true)
    expect(existsSync(`${host1.data}.rejoin.json`)).toBe(false)
  })

  test('inside of pg_rewind: no server can start, a rerun refuses, and --clone brings the host back', async () => {
    await again()
    const {host1, host2, cluster} = stage
    const options = {args: ['--accept-loss'], rejoin: slot}
    const killed = await rejoin(stage, host1, {...options, bin: 'killed-in-rewind'})
    expect(killed.signal, killed.stdout + killed.stderr).toBe('SIGKILL')
    expect([existsSync(host1.data), existsSync(`${host1.data}.rejoin`)]).toEqual([false, true])
    expect(startsAlone(host1)).toBe(false)
    const before = checksum(`${host1.data}.rejoin`)
    const refused = await rejoin(stage, host1, options)
    expect([refused.code, refused.stderr]).toEqual([10, expect.stringContaining('pgroute66 rejoin --clone')])
    expect(checksum(`${host1.data}.rejoin`)).toBe(before)
    // At a boot something made a new data directory: which of the two is that of the host, no clone decides.
    execFileSync('install', ['-d', '-o', String(host1.settings.account?.uid ?? process.getuid?.()), host1.data])
    const both = await rejoin(stage, host1, {...options, args: ['--clone']})
    expect([both.code, both.stderr]).toEqual([10, expect.stringContaining('both exist')])
    expect(checksum(`${host1.data}.rejoin`)).toBe(before)
    rmSync(host1.data, {recursive: true})
    const cloned = await rejoin(stage, host1, {...options, args: ['--clone']})
    expect(cloned.code, cloned.stdout + cloned.stderr).toBe(0)
    expect(await followersOf(host2)).toEqual(['host1', 'host3'])
    expect(walOf(archives(stage)[0] ?? '').commits).toBe(1)
    expect(readdirSync(cluster.folder).filter((name) => name.startsWith('host1.diverged-'))).toHaveLength(1)
  })

  test('when it streams already: --clone stops the server first', async () => {
    await again()
    const {host1, host2} = stage
    const at = {step: 'start', when: 'is done'} as const
    const killed = await killedRejoin(stage, host1, at, {args: ['--accept-loss'], rejoin: slot})
    expect(killed.signal, killed.stdout + killed.stderr).toBe('SIGKILL')
    expect(workersIn(host1.data)).not.toEqual([])
    const cloned = await rejoin(stage, host1, {args: ['--clone'], rejoin: slot})
    expect(cloned.code, cloned.stdout + cloned.stderr).toBe(0)
    expect(await followersOf(host2)).toEqual(['host1', 'host3'])
  })

  test('a mark that is left from an earlier failover: the commits since are counted, also for a clone', async () => {
    await again()
    const {host1, cluster} = stage
    const mark = {schema: 1, host: 'host1', phase: 'streaming', source: 'host3', timeline: 1}
    const rest = {archive: join(cluster.folder, 'diverged', 'old'), aside: null, at: new Date(0).toISOString()}
    writeFileSync(`${host1.data}.rejoin.json`, JSON.stringify({...mark, ...rest}))
    execFileSync('chown', ['--reference', host1.data, `${host1.data}.rejoin.json`])
    const before = checksum(host1.data)
    const ran = await rejoin(stage, host1, {args: ['--clone'], rejoin: slot})
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('1 commit past the fork would be lost')])
    expect(checksum(host1.data)).toBe(before)
  })

  test('a primary that is none any more when it comes to the rewind is not followed', async () => {
    await again()
    const {host1, host2, host3} = stage
    const options = {args: ['--accept-loss'], rejoin: slot, probe: '{max_age: 5s, interval: 200ms}'}
    const ran = await rejoin(stage, host1, {...options, bin: 'left-in-dry-run'})
    expect([ran.code, ran.stderr], ran.stdout).toEqual([4, expect.stringContaining('host2 is no longer confirmed')])
    expect([existsSync(host1.data), existsSync(`${host1.data}.rejoin.json`)]).toEqual([true, false])
    await follow(host3, host2)
    await until(async () => (await followersOf(host2)).includes('host3'))
  })

  test('at a rename, by strace: the host comes back, or the rerun says how', async () => {
    // `bench -- kills` has every system call that changes something.
    expect(await killAndReturn({stage, again}, {call: 'rename', nth: 2})).not.toBe('over')
  })
})
