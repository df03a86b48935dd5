import {chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {vi} from 'vitest'
import {type HookEvent, hookEvents} from '../../src/actuators/hook/event.ts'
import {type Hook, type HookReport, hook} from '../../src/actuators/hook/hook.ts'
import type {HookSettings} from '../../src/core/actuator-settings.ts'
import type {Change} from '../../src/core/snapshot.ts'
import {keptLog} from '../support/fake-source.ts'
import {seededRandom} from '../support/seeded-random.ts'
import {noon, primary, snapshot, standby} from '../support/snapshots.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

export const why = 'host1 is the only primary'
export const toPrimary: Change = {
  kind: 'verdict',
  group: 'all',
  host: 'host1',
  from: 'no-primary',
  to: 'primary',
  rule: 'V4',
  why,
}

/** `9f2c41-N`: host1 became the primary. */
export function event(sequence: number): HookEvent {
  const [first] = hookEvents(
    {changes: [toPrimary], snapshot: snapshot({hosts: {host1: primary(), host2: standby()}, sequence})},
    noon,
  )
  if (first === undefined) throw new Error('a changed verdict is an event')
  return first
}

type Common = 'on' | 'groups' | 'timeoutMs' | 'retries'
export type Draft = Partial<Pick<HookSettings, Common>> &
  ({argv: readonly string[]} | {url: string; secretFile?: string})

export type Stage = AsyncDisposable &
  Readonly<{
    hook: Hook
    clock: VirtualClock
    reports: readonly HookReport[]
    log: ReturnType<typeof keptLog>
    /** Notifies the hook of events with these sequence numbers. */
    notify(...sequences: number[]): void
    /**
     * Lets virtual time pass in steps until `count` reports are in. Waits of the hook take no real
     * time; processes and servers do.
     */
    reported(count: number): Promise<readonly HookReport[]>
    outcomes(): string
    /** The whole log and every report. */
    shown(): string
  }>

/** One hook on a virtual clock; its processes and servers are real. */
export function stage(draft: Draft, env: Readonly<Record<string, string | undefined>> = process.env): Stage {
  // A time limit that a slow machine does not reach while virtual time runs ahead. Tests of the limit
  // set their own.
  const common = {on: null, groups: null, timeoutMs: 3_600_000, retries: 5, ...draft}
  const settings: HookSettings =
    'argv' in draft ? {...common, kind: 'run', ...draft} : {secretFile: null, ...common, kind: 'post', ...draft}
  const [clock, log, reports] = [new VirtualClock(), keptLog(), [] as HookReport[]]
  const staged = hook(settings, {clock, log, env, random: seededRandom(1), report: (report) => reports.push(report)})
  return {
    hook: staged,
    clock,
    reports,
    log,
    notify(...sequences) {
      for (const sequence of sequences) staged.notify(event(sequence))
    },
    async reported(count) {
      await soon(async () => {
        if (reports.length < count) await clock.run(500)
        return reports.length >= count
      })
      return reports
    },
    outcomes: () => reports.map(({outcome}) => outcome).join(' '),
    shown: () => JSON.stringify([log.lines, reports]),
    async [Symbol.asyncDispose]() {
      let isOver = false
      const over = staged[Symbol.asyncDispose]().then(() => {
        isOver = true
      })
      await soon(async () => {
        await clock.run(100)
        return isOver
      })
      await over
    },
  }
}

/** Waits until it holds. The limit is for a hang alone. */
export const soon = (holds: () => boolean | Promise<boolean>): Promise<void> =>
  vi.waitFor(
    async () => {
      if (!(await holds())) throw new Error(`did not happen: ${holds}`)
    },
    {timeout: 120_000, interval: 5},
  )

/** A folder for commands and what they write down. */
export function workshop() {
  const path = mkdtempSync(join(tmpdir(), 'pgr66-hook-'))
  const at = (name: string) => join(path, name)
  return {
    at,
    /** A shell script; `$D` is the folder. */
    script(name: string, text: string): readonly string[] {
      writeFileSync(at(name), `#!/bin/sh\nD=${path}\n${text}\n`)
      chmodSync(at(name), 0o755)
      return [at(name)]
    },
    read: (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : ''),
    lines: (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8').trim().split('\n') : []),
  }
}
