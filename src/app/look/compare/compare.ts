import {isInRecovery} from '../../../actuators/rejoin/state.ts'
import type {Config} from '../../../config/config.ts'
import {loadConfig} from '../../../config/load.ts'
import {parseDuration} from '../../../core/duration.ts'
import {OperatorError} from '../../../core/errors.ts'
import {isBeyond} from '../../../core/facts/lsn.ts'
import {noMeter} from '../../../core/no-meter.ts'
import type {GroupSettings, HostSettings} from '../../../core/settings.ts'
import {silentLog} from '../../../core/silent-log.ts'
import type {HostState, Snapshot} from '../../../core/snapshot.ts'
import {unknownNameError} from '../../../core/unknown-name.ts'
import {noMemory} from '../../../core/verdict/no-memory.ts'
import {judgeOnce} from '../../../monitor/judge-once.ts'
import {driverFor} from '../../../sources/pg/host-drivers.ts'
import {systemClock} from '../../../system/clock.ts'
import {print} from '../../cli/print.ts'
import {adviceOf, followersOf, type Ground, withWarning} from './advice.ts'
import {commitsOf, type DataDirectory, readDisk} from './data-directory.ts'
import {historyOver} from './history.ts'
import {aloneOf, forkOf, type Line} from './lineage.ts'
import {directoriesOf, type PlaceFlags} from './place.ts'
import {livePosition} from './position.ts'
import {type Compared, comparedJson, comparedText, exitOf, type Side} from './present.ts'

export type CompareFlags = PlaceFlags &
  Readonly<{config: string | undefined; group: string | undefined; timeout: string; json: boolean; version: string}>

/** `pgroute66 compare`: which of two hosts holds what; the exit code. It only reads. Throws OperatorError. */
export async function compare(hosts: readonly [string, string], flags: CompareFlags): Promise<number> {
  const config = await loadConfig({path: flags.config, env: process.env, cwd: process.cwd()})
  const group = groupOf(hosts, flags.group, config)
  const {directories, notes} = await directoriesOf(flags, config, hosts)
  const signal = AbortSignal.timeout(timeoutOf(flags.timeout))
  const snapshot = await look(group, config, {version: flags.version, signal})
  const [first, second] = await Promise.all(
    hosts.map((host) => sideOf(host, {snapshot, config, directory: directories.get(host) ?? null, hosts, signal})),
  )
  if (first === undefined || second === undefined) throw new Error('two hosts have two sides')
  const noted = (side: Side): Side => {
    const note = notes.get(side.host)
    return note === undefined ? side : {...side, notes: [...side.notes, note]}
  }
  const compared = await comparedOf([noted(first), noted(second)], directories)
  const exit = exitOf(compared)
  print(1, flags.json ? comparedJson(compared, exit) : comparedText(compared))
  return exit
}

function timeoutOf(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    throw new OperatorError('USAGE', `--timeout "${text}" ${error.message}`, error.next, {cause: error})
  }
}

/** The group that has both hosts. */
function groupOf(asked: readonly [string, string], name: string | undefined, {groups, hosts}: Config): GroupSettings {
  const known = hosts.map((host) => host.name)
  const stranger = asked.find((host) => !known.includes(host))
  if (stranger !== undefined) throw unknownNameError('host', stranger, known)
  if (asked[0] === asked[1])
    throw new OperatorError('USAGE', `${asked[0]} is named twice`, `Name two hosts: ${known.join(', ')}.`)
  if (name !== undefined && !groups.some((group) => group.name === name))
    throw unknownNameError(
      'group',
      name,
      groups.map((group) => group.name),
    )
  const [found] = groups.filter(
    (group) => (name === undefined || group.name === name) && asked.every((host) => group.hosts.includes(host)),
  )
  if (found !== undefined) return found
  const next = `Groups: ${groups.map((group) => `${group.name} (${group.hosts.join(', ')})`).join('; ')}.`
  throw new OperatorError('USAGE', `no group has both ${asked.join(' and ')}`, next)
}

/** Every host of the group is asked once: the others say whom they follow. */
function look(
  group: GroupSettings,
  config: Config,
  {version, signal}: Readonly<{version: string; signal: AbortSignal}>,
): Promise<Snapshot> {
  const hosts = config.hosts.filter(({name}) => group.hosts.includes(name))
  const settings = {...config, hosts, groups: [{...group, confirm: []}]}
  return judgeOnce({
    settings,
    driver: driverFor(settings, systemClock, silentLog),
    clock: systemClock,
    random: Math.random,
    store: noMemory,
    meter: noMeter,
    version,
    signal,
  })
}

type About = Readonly<{
  snapshot: Snapshot
  config: Config
  directory: DataDirectory | null
  hosts: readonly [string, string]
  signal: AbortSignal
}>

async function sideOf(host: string, {snapshot, config, directory, hosts, signal}: About): Promise<Side> {
  const state = snapshot.hosts[host] as HostState
  const upstreams = new Map(
    Object.values(snapshot.hosts).map((one) => [one.host, one.role === 'standby' ? one.upstream : null]),
  )
  const [other = host] = hosts.filter((one) => one !== host)
  const about = {
    host,
    role: state.role,
    upstream: upstreams.get(host) ?? null,
    followers: followersOf(host, upstreams, other),
    isInRecovery: state.role === 'standby',
    isLeast: false,
  }
  if (state.role !== 'unavailable') {
    const {timeline, systemIdentifier} = state
    if (timeline === null)
      return {...about, systemIdentifier, line: null, notes: [`the timeline of ${host} is unknown`]}
    const settings = config.hosts.find(({name}) => name === host) as HostSettings
    const {lines, note} = await historyOver(settings, timeline, config.probe, signal)
    const {end, isLeast, notes} = livePosition(state)
    const line: Line = {timeline, end, history: lines}
    return {...about, systemIdentifier, line, isLeast, notes: note === null ? notes : [note, ...notes]}
  }
  const silence = `${host} is unavailable (${state.cause ?? 'not asked'})`
  if (directory === null) {
    const notes = [`${silence}; where its data directory is, add --pgdata ${host}=FOLDER`]
    return {...about, systemIdentifier: state.systemIdentifier, line: null, notes}
  }
  const {line, control, notes: doubts} = await readDisk(directory)
  const notes = [`${silence}; ${directory.pgdata} says "${control.state}"`, ...doubts]
  const {systemIdentifier} = control
  return {...about, systemIdentifier, line, isInRecovery: isInRecovery(control), notes}
}

/**
 * A standby that streams has nothing that its sender lacks: where it seems to, it was asked later.
 * One that is ahead of its sender cannot stream from it.
 */
function withoutRace(side: Side, sender: Side): Side {
  const {line} = side
  if (side.upstream !== sender.host || line === null || sender.line?.timeline !== line.timeline) return side
  return isBeyond(line.end, sender.line.end) ? {...side, line: {...line, end: sender.line.end}} : side
}

const groundOf = ({host, line, followers, role}: Side): Ground => ({
  ...{host, timeline: line?.timeline ?? null, followers},
  isPrimary: role === 'primary',
})

async function comparedOf(
  [first, second]: readonly [Side, Side],
  places: ReadonlyMap<string, DataDirectory>,
): Promise<Compared> {
  const [one, other] = [withoutRace(first, second), withoutRace(second, first)]
  const sides = [one, other] as const
  const advice = adviceOf(groundOf(one), groundOf(other))
  const ids = sides.map(({systemIdentifier}) => systemIdentifier)
  if (ids[0] !== ids[1] && !ids.includes(null)) {
    const why = `they are two clusters (system identifiers ${ids.join(' and ')})`
    return {sides, fork: {kind: 'unknown', why}, alone: null, advice: {keep: null, why}}
  }
  if (one.line === null || other.line === null)
    return {sides, fork: {kind: 'unknown', why: 'one of them does not say what it holds'}, alone: null, advice}
  const fork = forkOf(one.line, other.line)
  const left = sides.findIndex(({host}) => host !== advice.keep)
  const warned = (mayHoldMore: boolean) => withWarning(advice, sides[left]?.host ?? '', mayHoldMore)
  if (fork.kind === 'unknown') return {sides, fork, alone: null, advice: warned(true)}
  const counted = await Promise.all(
    sides.map(async ({host, line}) => {
      const alone = aloneOf(line as Line, fork)
      const directory = places.get(host)
      return {...alone, commits: directory === undefined ? null : await commitsOf(directory, alone)}
    }),
  )
  const mayHoldMore = fork.isAssumed || (counted[left]?.bytes ?? 0) > 0 || sides[left]?.isLeast === true
  return {sides, fork, alone: counted, advice: warned(mayHoldMore)}
}
