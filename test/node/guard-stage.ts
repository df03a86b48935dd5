import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect} from 'vitest'
import type {Fence} from '../../src/actuators/guard/fence.ts'
import type {GateServer} from '../../src/actuators/guard/gate.ts'
import type {Decision} from '../../src/actuators/guard/plan.ts'
import {Guard} from '../../src/app/node/guard/guard.ts'
import {decideOnce} from '../../src/app/node/guard/once.ts'
import {type GuardSite, guardSiteOf} from '../../src/config/guard-site.ts'
import {loadConfig} from '../../src/config/load.ts'
import type {Clock} from '../../src/core/ports.ts'
import type {PeerSettings} from '../../src/core/settings.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import type {Evidence, Snapshot} from '../../src/core/snapshot.ts'
import type {Word} from '../../src/sources/peer/vote.ts'
import {noon, primary, type SnapshotDraft, snapshot, standby, unavailable, unconfirmed} from '../support/snapshots.ts'

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
export const agreed: SnapshotDraft = {
  hosts: {host1: primary(), host2: standby(), host3: standby()},
  evidence: [confirmed('host1')],
}
export const other: SnapshotDraft = {
  hosts: {host1: standby('host2'), host2: primary(), host3: standby('host2')},
  evidence: [confirmed('host2')],
}
export const alone: SnapshotDraft = {
  hosts: {host1: primary(), host2: unavailable('timeout'), host3: unavailable('timeout')},
  verdict: unconfirmed('host1'),
}

/** host1 of three, with its files in this folder. `guard`: further keys, after a comma. */
export async function siteIn(folder: string, guard = ''): Promise<GuardSite> {
  const hba = join(folder, 'pg_hba.conf')
  const path = join(folder, 'pgroute66.yml')
  const hosts = 'hosts: {host1: {host: 10.0.0.1}, host2: {host: 10.0.0.2}, host3: {host: 10.0.0.3}}'
  const whom = 'users: {read_write: [app], read_only: [reports]}, addresses: [10.1.0.0/16]'
  const section = `${whom}, hba_file: ${hba}, neighbours: [grpc://10.0.0.2:1, grpc://10.0.0.3:1]${guard}`
  writeFileSync(path, `${hosts}\nlocal: host1\nguard: {${section}}\n`, {mode: 0o600})
  return guardSiteOf(await loadConfig({path, env: {HOME: folder, PGUSER: 'tester'}, cwd: folder}))
}

export type Stage = Readonly<{
  guard: Guard
  clock: HandClock
  sees: (draft: SnapshotDraft | Error) => void
  /** What `--once` would decide. */
  once: (stop: AbortSignal) => Promise<Decision>
  /** What was done, in order: fence, reload, terminate, stop. */
  done: string[]
  /** Errors of its log. */
  told: string[]
  server: {
    reload: 'reloaded' | 'not-running' | 'failed'
    takesMs: number
    stop: 'stopping' | 'failed'
    isAway: boolean
    /** Of gated users; a pass that ends them finds none later. */
    sessions: number
    /** The hosts give no new answer. */
    isStuck: boolean
    /** What the other guards say of their gates. */
    others: 'shut' | 'open' | 'silent'
    /** The other guards run on clones of this machine. */
    areClones: boolean
    broken: {file: null; line: number; error: string}[]
  }
}>

/** A guard of this site that sees `agreed`, with a server and a fence that only write down what they are asked. */
export function stage(site: GuardSite, {isSettled = true} = {}): Stage {
  const hba = site.guard.hbaFile ?? ''
  const clock = new HandClock()
  const done: string[] = []
  const told: string[] = []
  const answers: Stage['server'] = {
    reload: 'reloaded',
    takesMs: 0,
    stop: 'stopping',
    isAway: false,
    sessions: 0,
    isStuck: false,
    others: 'shut',
    areClones: false,
    broken: [],
  }
  let seen: Snapshot | Error = snapshot(agreed)
  let answeredAt = 0
  const server: GateServer = {
    hbaFile: async () => null,
    problems: async () => answers.broken,
    holds: async () => true,
    async reload() {
      clock.pass(answers.takesMs)
      done.push(`reload ${/app {2}\S+ {2}reject/.test(readFileSync(hba, 'utf8')) ? 'deny' : 'allow'}`)
      return answers.reload
    },
    async terminate(users) {
      done.push(`end ${users.join(',')}`)
      if (answers.isAway) return null
      const {sessions} = answers
      answers.sessions = 0
      return sessions
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
  const source = {
    current() {
      if (seen instanceof Error) throw seen
      clock.pass(1)
      if (!answers.isStuck) answeredAt = clock.now()
      return asOf(seen, answeredAt)
    },
  }
  const words = () =>
    new Map(answers.others === 'silent' ? [] : site.guard.neighbours.map(wordOf(answers, clock.now())))
  const guard = new Guard({
    site,
    source,
    words,
    server,
    isSettled: () => isSettled,
    fence,
    async stopServer() {
      done.push('stop')
      return answers.stop
    },
    clock,
    log: {...silentLog, error: (_, text) => void told.push(text ?? '')},
    machineId: 'm1',
  })
  return {
    guard,
    clock,
    done,
    told,
    server: answers,
    once: (stop) => decideOnce(site, {monitor: source, words, clock}, stop),
    sees(draft) {
      seen = draft instanceof Error ? draft : snapshot(draft)
    },
  }
}

/** The same, answered at another time. */
function asOf(seen: Snapshot, at: number): Snapshot {
  const group = seen.groups.all
  if (group === undefined) return seen
  const evidence = group.evidence.map((word) => ({...word, askedAt: word.askedAt && word.askedAt - noon.now + at}))
  const hosts = Object.entries(seen.hosts).map(([name, host]) => [name, {...host, askedAt: at}])
  return {...seen, groups: {...seen.groups, all: {...group, evidence}}, hosts: Object.fromEntries(hosts)}
}

const wordOf =
  ({others, areClones}: Stage['server'], askedAt: number) =>
  ({url}: PeerSettings): [string, Word] => {
    const view = {epoch: url, machineId: areClones ? 'm1' : url, group: 'all', hosts: [], isShut: others === 'shut'}
    return [url, {askedAt, kind: 'view', view}]
  }

export async function opened(site: GuardSite): Promise<Stage> {
  const found = stage(site)
  await found.guard.pass()
  await found.guard.pass()
  expect(found.guard.state.gates).toEqual({readWrite: 'allow', readOnly: 'allow'})
  found.done.length = 0
  return found
}
