import type {Clock, SnapshotSource} from '../../core/ports.ts'
import type {Publication, Snapshot} from '../../core/snapshot.ts'
import {isAskingAgain} from '../../core/verdict/verdict-kind.ts'
import {onAbort} from '../../core/wait.ts'
import {changesToWire} from '../../protocol/snapshot-json.ts'
import {actuatorLines} from '../actuators.ts'
import {banner} from '../banner.ts'
import type {Frame} from '../frame.ts'
import {hostsOf} from '../table/filter.ts'
import {table} from '../table/table.ts'
import type {Glyphs} from '../text/glyphs.ts'
import {textOf} from '../text/line.ts'
import {concerns} from './change-line.ts'
import {changeText, currentHostText, currentVerdictText} from './change-text.ts'

export type PrintOptions = Readonly<{
  source: SnapshotSource
  clock: Clock
  /** Called with one line at a time, without its line break. */
  write(line: string): void
  /** Each line is a JSON document: the data of the API event `change`. */
  json?: boolean
  /** `null`: all hosts. */
  group?: string | null
  signal: AbortSignal
}>

/** The current state, then one line per change. Resolves when `signal` aborts. */
export function printChanges({source, clock, write, json = false, group = null, signal}: PrintOptions): Promise<void> {
  const document = ({changes, snapshot}: Publication) =>
    JSON.stringify(changesToWire(changes, snapshot, {now: clock.now(), wall: clock.wall()}))
  const first = source.current()
  const members = hostsOf(first, group)
  if (json) write(document({changes: [], snapshot: first}))
  else {
    const groups = Object.values(first.groups).filter(({name}) => group === null || name === group)
    for (const state of groups) write(currentVerdictText(clock.wall(), state))
    // Before the first round no host has a role yet, and the first answer of a host is not published
    // as a change.
    if (first.ready) for (const host of members) write(currentHostText(clock.wall(), host))
  }
  const unsubscribe = source.subscribe(({changes, snapshot}) => {
    const hosts = hostsOf(snapshot, group).map(({host}) => host)
    const ours = changes.filter((change) => concerns(change, group, hosts))
    if (ours.length === 0) return
    if (json) write(document({changes: ours, snapshot}))
    else for (const change of ours) write(changeText(clock.wall(), change))
  })
  return new Promise((resolve) => {
    const stop = () => {
      unsubscribe()
      resolve()
    }
    onAbort(signal, stop)
  })
}

/**
 * Prints the current state once, `width` cells wide: the verdict, the table and the actuators. Waits
 * until every host was probed, or for `signal`.
 */
export async function printOnce({
  width,
  glyphs,
  ...options
}: PrintOptions & Readonly<{width: number; glyphs: Glyphs}>): Promise<void> {
  const {source, clock, write, json = false, group = null, signal} = options
  const snapshot = await settled(source, signal)
  const [now, wall] = [clock.now(), clock.wall()]
  if (json) return write(JSON.stringify(changesToWire([], snapshot, {now, wall}).snapshot))
  const frame: Frame = {snapshot, now, wall, changes: [], histories: new Map(), routers: null, startedAt: wall}
  const verdicts = banner(snapshot, {width, height: Number.POSITIVE_INFINITY, wall, glyphs, group: group})
  const rows = table(hostsOf(snapshot, group), frame, {width, height: Number.POSITIVE_INFINITY, glyphs, selected: null})
  const told = actuatorLines(snapshot, width, wall, glyphs)
  for (const spans of [...verdicts, [], ...rows, ...(told.length === 0 ? [] : [[], ...told])])
    write(textOf(spans).trimEnd())
}

/**
 * Every host was probed, and of two primaries each one also after the other answered. Until then
 * `check` and `watch --once` could disagree.
 */
const isSettled = ({ready, groups}: Snapshot): boolean =>
  ready && Object.values(groups).every(({verdict}) => !isAskingAgain(verdict))

function settled(source: SnapshotSource, signal: AbortSignal): Promise<Snapshot> {
  return new Promise((resolve) => {
    let forget = () => {}
    const settle = () => {
      unsubscribe()
      forget()
      resolve(source.current())
    }
    const unsubscribe = source.subscribe(({snapshot}) => {
      if (isSettled(snapshot)) settle()
    })
    forget = onAbort(signal, settle)
    if (isSettled(source.current())) settle()
  })
}
