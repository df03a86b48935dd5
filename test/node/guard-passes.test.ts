import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import type {Fence} from '../../src/actuators/guard/fence.ts'
import type {GateServer} from '../../src/actuators/guard/gate.ts'
import {Guard} from '../../src/app/node/guard/guard.ts'
import {type GuardSite, guardSiteOf} from '../../src/config/guard-site.ts'
import {loadConfig} from '../../src/config/load.ts'
import type {Clock} from '../../src/core/ports.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import type {Evidence, Snapshot} from '../../src/core/snapshot.ts'
import {noon, primary, type SnapshotDraft, snapshot, standby, unavailable, unconfirmed} from '../support/snapshots.ts'

let folder = ''
let hba = ''
let site: GuardSite
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgroute66-passes-'))
  hba = join(folder, 'pg_hba.conf')
  writeFileSync(hba, 'local all all peer\n')
})
afterEach(() => rmSync(folder, {recursive: true, force: true}))

async function siteWith(guard = ''): Promise<GuardSite> {
  const path = join(folder, 'pgroute66.yml')
  const hosts = 'hosts: {host1: {host: 10.0.0.1}, host2: {host: 10.0.0.2}, host3: {host: 10.0.0.3}}'
  const whom = 'users: {read_write: [app], read_only: [reports]}, addresses: [10.1.0.0/16]'
  const section = `${whom}, hba_file: ${hba}, neighbours: [grpc://10.0.0.2:1, grpc://10.0.0.3:1]${guard}`
  writeFileSync(path, `${hosts}\nlocal: host1\nguard: {${section}}\n`, {mode: 0o600})
  return guardSiteOf(await loadConfig({path, env: {HOME: folder, PGUSER: 'tester'}, cwd: folder}))
}

/** Time that the test moves; timers fire when it asks for it. */
class HandClock implements Clock {
  #now = noon.now
  #timers: {at: number; run: () => void}[] = []

  now = () => this.#now
  wall = () => noon.wall + this.#now - noon.now

  after(ms: number, run: () => void): () => void {
    const timer = {at: this.#now + ms, run}
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  pass(ms: number): void {
    this.#now += ms
    const due = this.#timers.filter(({at}) => at <= this.#now)
    this.#timers = this.#timers.filter(({at}) => at > this.#now)
    for (const {run} of due) run()
  }
}

const confirmed = (host: string): Evidence => ({
  source: 'peers',
  subject: host,
  answer: 'confirms',
  contradictsSql: false,
  required: true,
  why: `3 of 3 name ${host}`,
  askedAt: noon.now - 100,
})
const agreed: SnapshotDraft = {
  hosts: {host1: primary(), host2: standby(), host3: standby()},
  evidence: [confirmed('host1')],
}
const other: SnapshotDraft = {
  hosts: {host1: standby('host2'), host2: primary(), host3: standby('host2')},
  evidence: [confirmed('host2')],
}
const alone: SnapshotDraft = {
  hosts: {host1: primary(), host2: unavailable('timeout'), host3: unavailable('timeout')},
  verdict: unconfirmed('host1'),
}

type Stage = Readonly<{
  guard: Guard
  clock: HandClock
  sees: (draft: SnapshotDraft) => void
  /** What was done, in order: fence, reload, terminate, stop. */
  done: string[]
  server: {reload: 'reloaded' | 'failed'; takesMs: number; stop: 'stopping' | 'failed'}
}>

function stage({isSettled = true} = {}): Stage {
  const clock = new HandClock()
  const done: string[] = []
  const answers: Stage['server'] = {reload: 'reloaded', takesMs: 0, stop: 'stopping'}
  let seen: Snapshot = snapshot(agreed)
  const server: GateServer = {
    hbaFile: async () => null,
    problems: async () => [],
    async reload() {
      clock.pass(answers.takesMs)
      done.push(`reload ${/app {2}\S+ {2}reject/.test(readFileSync(hba, 'utf8')) ? 'deny' : 'allow'}`)
      return answers.reload
    },
    async terminate(users) {
      done.push(`end ${users.join(',')}`)
      return users.length
    },
  }
  const fence: Fence = {
    raise: async () => null,
    async renew(ms) {
      done.push(`fence ${ms}`)
      return null
    },
    async shut() {
      done.push('fence shut')
      return null
    },
  }
  const guard = new Guard({
    site,
    source: {current: () => seen},
    words: () => new Map(),
    server,
    isSettled: () => isSettled,
    fence,
    async stopServer() {
      done.push('stop')
      return answers.stop
    },
    clock,
    log: silentLog,
  })
  return {
    guard,
    clock,
    done,
    server: answers,
    sees(draft) {
      seen = snapshot(draft)
    },
  }
}

async function opened(settings?: Parameters<typeof stage>[0]): Promise<Stage> {
  const found = stage(settings)
  await found.guard.pass()
  await found.guard.pass()
  expect(found.guard.state.gates).toEqual({readWrite: 'allow', readOnly: 'allow'})
  found.done.length = 0
  return found
}

describe('passes', () => {
  beforeEach(async () => {
    site = await siteWith()
  })

  test('deny, then allow after a second pass; the fence opens last', async () => {
    const {guard, done} = stage()
    await guard.pass()
    expect(guard.state.gates).toEqual({readWrite: 'deny', readOnly: 'deny'})
    await guard.pass()
    expect(done).toEqual(['fence shut', 'reload deny', 'reload allow', 'fence 4900'])
    expect(guard.state.decision?.rule).toBe('G1')
  })

  test('deny at once: the fence shuts first, the file next, then sessions end, and once more', async () => {
    const {guard, done, sees} = await opened()
    sees(alone)
    await guard.pass()
    expect(done).toEqual(['fence shut', 'reload deny', 'end app,reports'])
    await guard.pass()
    expect(done.slice(3)).toEqual(['fence shut', 'end app,reports'])
    await guard.pass()
    expect(done.slice(5)).toEqual(['fence shut'])
  })

  test('a standby keeps its readers, and their sessions', async () => {
    const {guard, done, sees} = await opened()
    sees(other)
    await guard.pass()
    expect(guard.state.gates).toEqual({readWrite: 'deny', readOnly: 'allow'})
    expect(done).toEqual(['reload deny', 'fence 4900', 'end app'])
  })

  test('at the start, no session ends before every host and neighbour was asked', async () => {
    const waiting = stage({isSettled: false})
    waiting.sees(alone)
    await waiting.guard.pass()
    expect(waiting.done).toEqual(['fence shut', 'reload deny'])
    const settled = stage()
    settled.sees(alone)
    await settled.guard.pass()
    expect(settled.done.at(-1)).toBe('end app,reports')
  })

  test('an allow that no pass renews ends with its lease', async () => {
    const {guard, done, clock} = await opened()
    clock.pass(4_899)
    expect(done).toEqual([])
    clock.pass(1)
    expect(done).toEqual(['fence shut'])
    expect(guard.state.leasesExpired).toBe(1)
    await guard.pass()
    expect(guard.state.decision).toMatchObject({rule: 'G6', gates: {readWrite: 'deny'}})
  })

  test('a pass that does not end in time denies, whatever it decided', async () => {
    const {guard, server} = stage()
    await guard.pass()
    server.takesMs = 2_001
    await guard.pass()
    expect(guard.state.decision).toMatchObject({rule: 'G6', gates: {readWrite: 'deny', readOnly: 'deny'}})
    expect(readFileSync(hba, 'utf8')).toMatch(/app {2}\S+ {2}reject/)
  })

  test('what another program writes is put back twice, and then only denied', async () => {
    const {guard, done, clock} = await opened()
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

  test('the end of the guard ends what it allowed', async () => {
    const {guard, done} = await opened()
    await guard.end()
    expect(done).toEqual(['fence shut', 'reload deny', 'end app,reports'])
    expect(guard.state.decision?.rule).toBe('G9')
  })
})

describe('PostgreSQL is stopped where that was asked for', () => {
  test('fence: stop, once the lease has ended; not by a pass that finds no majority', async () => {
    site = await siteWith(', fence: stop')
    const {guard, done, sees, clock} = await opened()
    sees(alone)
    await guard.pass()
    expect(done).not.toContain('stop')
    clock.pass(5_000)
    await guard.pass()
    expect(done.at(-1)).toBe('stop')
    await guard.pass()
    expect(done.filter((what) => what === 'stop')).toHaveLength(1)
  })
  test('fence: stop leaves a standby alone', async () => {
    site = await siteWith(', fence: stop')
    const {guard, done, sees, clock} = await opened()
    sees(other)
    clock.pass(5_000)
    await guard.pass()
    expect(done).not.toContain('stop')
  })
  test('on_write_failure: stop, where a deny cannot be written; alarm leaves it', async () => {
    for (const [setting, count] of [
      ['stop', 1],
      ['alarm', 0],
    ] as const) {
      site = await siteWith(`, on_write_failure: ${setting}`)
      writeFileSync(hba, 'local all all peer\n')
      const {guard, done, sees} = await opened()
      writeFileSync(hba, '# pgroute66 guard: begin\n')
      sees(alone)
      await guard.pass()
      expect(
        done.filter((what) => what === 'stop'),
        setting,
      ).toHaveLength(count)
      expect(guard.state.problems).toEqual([expect.stringContaining('1 lines begin the block')])
    }
  })
})
