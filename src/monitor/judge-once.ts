import {isOwn, needsMessages} from '../core/evidence/confirmation.ts'
import {lookedUp, observed} from '../core/facts/host-record.ts'
import type {Observation} from '../core/facts/observation.ts'
import {type HostSession, isFailure} from '../core/ports.ts'
import type {HostSettings, MonitorSettings} from '../core/settings.ts'
import {silentLog} from '../core/silent-log.ts'
import type {Snapshot} from '../core/snapshot.ts'
import {isAskingAgain} from '../core/verdict/verdict.ts'
import {sleep} from '../core/wait.ts'
import {Board} from './board.ts'
import {provenSame} from './duplicates/duplicates.ts'
import {newEpoch} from './epoch.ts'
import {EvidenceDesk} from './evidence-desk.ts'
import type {MonitorDeps} from './monitor-deps.ts'

/**
 * Standbys of a quiet primary have heard nothing for a while: after a nudge they are asked again at
 * this pace.
 */
const againMs = 100
/**
 * The WAL writer sends a nudge on within three of its rounds (wal_writer_delay, 200 ms). A standby
 * that is silent after that is silent for another reason.
 */
const againAtMost = 8

/**
 * One round over all hosts, in parallel, judged like the daemon would with what `store` remembers.
 * A host that has not answered when `signal` aborts has the cause `timeout`. Never waits longer
 * than `signal` and the followers' second word; never writes to the store.
 */
export async function judgeOnce(deps: Omit<MonitorDeps, 'log'> & Readonly<{signal: AbortSignal}>): Promise<Snapshot> {
  const {settings, clock, random, store, version, signal} = deps
  const memory = await store.load()
  await using desk = new EvidenceDesk(settings, deps.evidence)
  const sourcesOf = (group: string) => desk.sourcesOf(group)
  const board = new Board({settings, clock, sourcesOf, memory, log: silentLog, epoch: newEpoch(random), version})
  desk.listen((group) => board.reassess(group))
  const sessions = new Map<string, HostSession>()
  const drivers = settings.hosts.map((host) => deps.driver(host))
  try {
    // Hosts that have answered are asked again while others are waited for: a host that hangs must
    // not let the answers of all others go stale.
    const first = new AbortController()
    const again = keepFresh(AbortSignal.any([first.signal, signal]))
    await Promise.all(settings.hosts.map((host, index) => ask(host, index)))
    first.abort()
    await again
    const primaries = askedOnceMore(board)
    await Promise.all([...sessions].filter(([host]) => primaries.includes(host)).map(probeNow))
    for (let again = 0; again < againAtMost && isWaitingForEvidence(board, settings) && !signal.aborted; again += 1) {
      await sleep(clock, againMs, signal)
      await Promise.all([...sessions].map(probeNow))
    }
    return board.current()
  } finally {
    for (const session of sessions.values()) session.close()
    await Promise.all(drivers.map((driver) => driver.close()))
  }

  async function ask(host: HostSettings, index: number): Promise<void> {
    const askedAt = clock.now()
    const session = (await drivers[index]?.open(signal)) ?? {cause: 'error' as const, detail: 'no driver'}
    if (isFailure(session))
      return saw({host: host.name, askedAt, probeMs: clock.now() - askedAt, kind: 'failure', ...session})
    const others = [...sessions].map(([name, other]) => ({name, session: other}))
    sessions.set(host.name, session)
    const same = await provenSame({name: host.name, session}, others, signal)
    if (same !== null) {
      const [first, second] =
        settings.hosts.findIndex(({name}) => name === same) < index ? [same, host.name] : [host.name, same]
      board.mark([[second, first]])
    }
    await probe(host.name, session, clock.now())
  }

  async function keepFresh(until: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(clock, settings.probe.intervalMs, until)
      if (until.aborted) return
      await Promise.all([...sessions].filter(([host]) => board.record(host)?.observation).map(probeNow))
    }
  }

  function probeNow([host, session]: readonly [string, HostSession]): Promise<void> {
    return probe(host, session, clock.now())
  }

  async function probe(host: string, session: HostSession, askedAt: number): Promise<void> {
    const nudge =
      settings.followers.nudge &&
      board.groupsOf(host).some((group) => board.settings(group)?.confirm.some(needsMessages))
    const facts = await session.probe({nudge}, signal)
    const about = {host, askedAt, probeMs: clock.now() - askedAt}
    // A second question that runs out of time takes nothing away from the first answer.
    if (isFailure(facts) && facts.cause === 'timeout' && board.record(host)?.observation?.kind === 'facts') return
    saw(
      isFailure(facts)
        ? {...about, kind: 'failure', ...facts}
        : {...about, kind: 'facts', session: session.facts, facts},
    )
  }

  function saw(observation: Observation): void {
    const driver = drivers[settings.hosts.findIndex(({name}) => name === observation.host)]
    board.update(observation.host, (record) => lookedUp(observed(record, observation), driver?.resolved() ?? []))
  }
}

/**
 * A required source is silent that may speak soon: standbys are yet to hear from the primary, or an
 * external source has not answered yet.
 */
const isWaitingForEvidence = (board: Board, {groups, followers}: MonitorSettings): boolean =>
  groups
    .flatMap(({name}) => board.assessment(name)?.state.evidence ?? [])
    .some(
      ({required, source, answer}) =>
        required && answer === 'silent' && (source === 'followers' ? followers.nudge : !isOwn(source)),
    )

/**
 * Primaries of which the judge wants a second word: what a standby answered after they were asked
 * may be newer than theirs.
 */
const askedOnceMore = (board: Board): readonly string[] =>
  Object.values(board.current().groups)
    .filter(({verdict}) => isAskingAgain(verdict))
    .flatMap(({verdict}) => verdict.primaries)
