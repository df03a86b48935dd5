import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import type {GuardSite} from '../../src/config/guard-site.ts'
import {agreed, alone, opened, other, siteIn, stage} from './guard-stage.ts'

let folder = ''
let hba = ''
let site: GuardSite
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgroute66-passes-'))
  hba = join(folder, 'pg_hba.conf')
  writeFileSync(hba, 'local all all peer\n')
})
afterEach(() => rmSync(folder, {recursive: true, force: true}))

const siteWith = (guard?: string) => siteIn(folder, guard)

describe('passes', () => {
  beforeEach(async () => {
    site = await siteWith()
  })

  test('deny, then allow after a second pass; the fence opens last', async () => {
    const {guard, done} = stage(site)
    await guard.pass()
    expect(guard.state.gates).toEqual({readWrite: 'deny', readOnly: 'deny'})
    await guard.pass()
    expect(done).toEqual(['fence shut', 'reload deny', 'reload allow', 'fence 4900'])
    expect(guard.state.decision?.rule).toBe('G1')
  })

  test('the same answers are no second agreement: a change of the file may begin a pass at any time', async () => {
    const {guard, server} = stage(site)
    await guard.pass()
    server.isStuck = true
    await guard.pass()
    expect(guard.state.decision?.rule).toBe('G7')
    server.isStuck = false
    await guard.pass()
    expect(guard.state.decision?.rule).toBe('G1')
  })

  test.each(['open', 'silent'] as const)(
    'another guard is %s: writers wait for one lease and the age of answers',
    async (others) => {
      const {guard, clock, done, server} = stage(site)
      server.others = others
      await guard.pass()
      for (let second = 0; second < 8; second += 1) {
        clock.pass(999)
        await guard.pass()
        expect(guard.state.decision?.rule, `${second}`).toBe(second < 7 ? 'G10' : 'G1')
      }
      expect(done.filter((what) => what.startsWith('end'))).toEqual([])
    },
  )

  test('other guards are told "shut" while no writer comes in, and none is about to', async () => {
    const {guard, sees, server} = await opened(site)
    expect(guard.gateTold).toBe('open')
    server.isAway = true
    sees(alone)
    await guard.pass()
    expect(guard.gateTold, 'sessions may be there').toBe('open')
    server.isAway = false
    server.sessions = 3
    await guard.pass()
    expect(guard.gateTold, 'sessions are told to end').toBe('open')
    await guard.pass()
    expect(guard.gateTold).toBe('shut')
    await guard.pass()
    expect(guard.gateTold).toBe('shut')
    sees(agreed)
    await guard.pass()
    expect(guard.state.gates).toEqual({readWrite: 'deny', readOnly: 'deny'})
    expect(guard.gateTold, 'about to open').toBe('open')
  })

  test('the pass that shuts a gate does not tell so yet: the reload takes effect later', async () => {
    const {guard, sees} = await opened(site)
    sees(alone)
    await guard.pass()
    expect(guard.gateTold).toBe('open')
    await guard.pass()
    expect(guard.gateTold).toBe('shut')
  })

  test('terminate: false leaves sessions alone, so others are never told "shut"', async () => {
    const {guard, sees, done} = await opened(await siteWith(', terminate: false'))
    sees(alone)
    for (let pass = 0; pass < 4; pass += 1) await guard.pass()
    expect(guard.gateTold).toBe('open')
    expect(done.filter((what) => what.startsWith('end'))).toEqual([])
  })

  test('clones of this machine have no vote, and each is told once', async () => {
    const {guard, told, server} = stage(site)
    server.areClones = true
    await guard.pass()
    await guard.pass()
    expect(told).toEqual([
      expect.stringMatching(/10.0.0.2:1 has the machine-id of this host.* runs on this machine.* is a clone/),
      expect.stringContaining('10.0.0.3:1 has the machine-id of this host'),
    ])
  })

  test('deny at once: the fence shuts first, the file next, then sessions end, and once more', async () => {
    const {guard, done, sees} = await opened(site)
    sees(alone)
    await guard.pass()
    expect(done).toEqual(['fence shut', 'reload deny', 'end app,reports'])
    await guard.pass()
    expect(done.slice(3)).toEqual(['fence shut', 'end app,reports'])
    await guard.pass()
    expect(done.slice(5)).toEqual(['fence shut'])
  })

  test('while SQL is away, sessions are to be ended still; a gate that opens again forgets them', async () => {
    const {guard, done, sees, server} = await opened(site)
    server.isAway = true
    sees(alone)
    for (let pass = 0; pass < 4; pass += 1) await guard.pass()
    expect(done.filter((what) => what === 'end app,reports')).toHaveLength(4)
    server.isAway = false
    await guard.pass()
    await guard.pass()
    expect(done.filter((what) => what === 'end app,reports')).toHaveLength(5)
    server.isAway = true
    sees(other)
    for (let pass = 0; pass < 2; pass += 1) await guard.pass()
    sees(agreed)
    done.length = 0
    for (let pass = 0; pass < 3; pass += 1) await guard.pass()
    expect(done.filter((what) => what.startsWith('end'))).toEqual([])
  })

  test('sessions that came in while PostgreSQL did not follow a deny are ended, once it does', async () => {
    const {guard, done, sees, server} = await opened(site)
    server.broken = [{file: null, line: 9, error: 'invalid connection type'}]
    sees(alone)
    for (let pass = 0; pass < 3; pass += 1) await guard.pass()
    server.broken = []
    done.length = 0
    await guard.pass()
    expect(done).toEqual(['fence shut', 'reload deny', 'end app,reports'])
  })

  test('a server that was not found is told again, until it has read the file', async () => {
    const {guard, done, sees, server} = await opened(site)
    server.reload = 'not-running'
    sees(alone)
    await guard.pass()
    await guard.pass()
    server.reload = 'reloaded'
    await guard.pass()
    await guard.pass()
    expect(done.filter((what) => what === 'reload deny')).toHaveLength(3)
  })

  test('a decision that fails by a bug denies', async () => {
    const {guard, done, sees} = await opened(site)
    sees(new Error('a bug'))
    await guard.pass()
    expect(guard.state.gates).toEqual({readWrite: 'deny', readOnly: 'deny'})
    expect(done).toEqual(['fence shut', 'reload deny', 'end app,reports'])
  })

  test('a standby keeps its readers, and their sessions', async () => {
    const {guard, done, sees} = await opened(site)
    sees(other)
    await guard.pass()
    expect(guard.state.gates).toEqual({readWrite: 'deny', readOnly: 'allow'})
    expect(done).toEqual(['reload deny', 'fence 4900', 'end app'])
  })

  test('at the start, no session ends before every host and neighbour was asked', async () => {
    const waiting = stage(site, {isSettled: false})
    waiting.sees(alone)
    await waiting.guard.pass()
    expect(waiting.done).toEqual(['fence shut', 'reload deny'])
    const settled = stage(site)
    settled.sees(alone)
    await settled.guard.pass()
    expect(settled.done.at(-1)).toBe('end app,reports')
  })

  test('an allow that no pass renews ends with its lease', async () => {
    const {guard, done, clock, server} = await opened(site)
    server.isStuck = true
    clock.pass(4_899)
    expect(done).toEqual([])
    clock.pass(1)
    expect(done).toEqual(['fence shut'])
    expect(guard.state.leasesExpired).toBe(1)
    await guard.pass()
    expect(guard.state.decision).toMatchObject({rule: 'G6', gates: {readWrite: 'deny'}})
  })

  test('a pass that does not end in time denies, whatever it decided', async () => {
    const {guard, server} = stage(site)
    await guard.pass()
    server.takesMs = 2_001
    await guard.pass()
    expect(guard.state.decision).toMatchObject({rule: 'G6', gates: {readWrite: 'deny', readOnly: 'deny'}})
    expect(readFileSync(hba, 'utf8')).toMatch(/app {2}\S+ {2}reject/)
  })

  test('what another program writes is put back twice, and then only denied', async () => {
    const {guard, done, clock} = await opened(site)
    for (const rule of ['G1', 'G1', 'G1'] as const) {
      writeFileSync(hba, 'local all all peer\n')
      clock.pass(10)
      await guard.pass()
      expect(guard.state.decision?.rule).toBe(rule)
    }
    await guard.pass()
    expect(guard.state.decision).toMatchObject({rule: 'G8', gates: {readWrite: 'deny'}})
    expect(done.at(-1)).toBe('end app,reports')
    expect(guard.state.rewrites).toBe(3)
  })

  test('--once that is told to end while it waits denies, and does not open the gate afterwards', async () => {
    const {once, clock, server} = stage(site)
    const stop = new AbortController()
    const decided = once(stop.signal)
    stop.abort()
    clock.pass(1_000)
    expect(await decided).toMatchObject({rule: 'G9', gates: {readWrite: 'deny', readOnly: 'deny'}})
    server.others = 'open'
    expect(await once(AbortSignal.abort())).toMatchObject({rule: 'G9'})
  })

  test('the end of the guard ends what it allowed', async () => {
    const {guard, done} = await opened(site)
    await guard.end()
    expect(done).toEqual(['fence shut', 'reload deny', 'end app,reports'])
    expect(guard.state.decision?.rule).toBe('G9')
  })
})
