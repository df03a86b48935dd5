import {formatDuration} from '../../core/duration.ts'
import type {Facts, SessionFacts} from '../../core/facts/observation.ts'
import {enumerate} from '../../core/phrases.ts'
import {type Clock, type HostSession, isFailure} from '../../core/ports.ts'
import type {HostSettings, MonitorSettings} from '../../core/settings.ts'
import type {Cause} from '../../core/vocabulary.ts'
import {deadline} from '../../core/wait.ts'
import {pgDriver} from './driver.ts'

/**
 * What one connection to a host found, for `config check --connect`. `remarks`: what the operator
 * must fix. `notes`: what works, and should be changed.
 */
export type HostTrial = Readonly<{host: string; remarks: readonly string[]; notes: readonly string[]}> &
  Readonly<
    | {
        kind: 'reached'
        role: 'primary' | 'standby'
        serverVersion: number
        systemIdentifier: string | null
        timeline: number | null
      }
    | {kind: 'failed'; cause: Cause; detail: string}
  >

/** The hosts to try, the time limits, and the groups to which the hosts belong. */
type Tried = Pick<MonitorSettings, 'hosts' | 'groups' | 'probe'>

type Attempt = Readonly<
  | {host: HostSettings; session: HostSession; facts: Facts; denied: readonly string[]; notes: readonly string[]}
  | {host: HostSettings; cause: Cause; detail: string; notes: readonly string[]}
>
type Reached = Extract<Attempt, {session: HostSession}>

/**
 * Tries all hosts at the same time, each in a session of its own, and closes every session. Resolves
 * in the order of the configuration, and never rejects.
 */
export async function tryHosts(config: Tried, clock: Clock): Promise<readonly HostTrial[]> {
  const attempts = await Promise.all(config.hosts.map((host) => attempt(config, host, clock)))
  const reached = attempts.filter((each): each is Reached => 'session' in each)
  try {
    using limit = deadline(clock, config.probe.timeoutMs)
    const duplicates = await Promise.all(reached.map((each) => duplicatesOf(each, reached, limit.signal)))
    return attempts.map((each): HostTrial => {
      const host = each.host.name
      if (!('session' in each)) {
        const {cause, detail, notes} = each
        return {host, kind: 'failed', cause, detail, remarks: [], notes}
      }
      const {systemIdentifier, serverVersion, logsKnocks} = each.session.facts
      const remarks = [
        ...each.denied,
        ...rights(each),
        ...same(duplicates[reached.indexOf(each)] ?? []),
        ...foreign(each, reached, config),
      ]
      const notes = [...each.notes, ...(logsKnocks ? [logged(config.probe)] : [])]
      const role = each.facts.inRecovery ? 'standby' : 'primary'
      const {timeline} = each.facts
      return {host, kind: 'reached', role, serverVersion, systemIdentifier, timeline, remarks, notes}
    })
  } finally {
    for (const {session} of reached) session.close()
  }
}

async function attempt({probe}: Tried, host: HostSettings, clock: Clock): Promise<Attempt> {
  const [denied, notes]: [string[], string[]] = [[], []]
  const told = {warn: (text: string) => denied.push(text), advise: (text: string) => notes.push(text)}
  const driver = pgDriver({host, probe, availability: null, clock, ...told})
  const session = await driver.open(new AbortController().signal)
  if (isFailure(session)) return {host, ...session, notes}
  using asking = deadline(clock, driver.limitMs(probe.timeoutMs, 2))
  const facts = await session.probe({nudge: false}, asking.signal)
  if (!isFailure(facts)) return {host, session, facts, denied, notes}
  session.close()
  return {host, ...facts, notes}
}

/**
 * Without the privilege PostgreSQL shows the rows of other users' backends with null columns: the
 * count of backends is then unknown.
 */
const rights = ({facts}: Reached): readonly string[] =>
  facts.backendsUsed === null || facts.receiver?.status === null
    ? [
        'the role lacks pg_read_all_stats: grant it ("pgroute66 init --sql"), ' +
          'or pgroute66 cannot match standbys with their primary',
      ]
    : []

const logged = ({loggedKnockIntervalMs}: Tried['probe']): string =>
  `log_connections is on, so each knock is a line in the log, every ${formatDuration(loggedKnockIntervalMs)}: ` +
  'probe.logged_knock_interval sets how often'

/** Proof that two names are one server: a session of one name sees the backend of the other. */
async function duplicatesOf(one: Reached, all: readonly Reached[], signal: AbortSignal): Promise<readonly string[]> {
  const {systemIdentifier, backendPid, backendStart}: SessionFacts = one.session.facts
  const candidates = all.filter(
    (other) => other !== one && mayShare(other.session.facts.systemIdentifier, systemIdentifier),
  )
  const seen = candidates.map(async ({host, session}) => {
    const isSame = backendStart !== null && (await session.hasBackend(backendPid, backendStart, signal))
    return isSame ? [host.name] : []
  })
  return (await Promise.all(seen)).flat()
}

/** A host that does not tell its cluster may be of each. */
const mayShare = (one: string | null, other: string | null) => one === null || other === null || one === other

const same = (names: readonly string[]): readonly string[] =>
  names.length === 0 ? [] : [`the same server as ${enumerate(names)}: remove all names but one`]

/** Remarks where the host's cluster is not that of its group, or of another host in the group. */
function foreign({host, session}: Reached, all: readonly Reached[], {groups}: Tried): readonly string[] {
  const own = session.facts.systemIdentifier
  if (own === null) return []
  return groups
    .filter((group) => group.hosts.includes(host.name))
    .flatMap((group) => {
      if (group.systemIdentifier !== null && group.systemIdentifier !== own) {
        return [`the system identifier ${own} is not the one of group ${group.name} (${group.systemIdentifier})`]
      }
      const others = all.filter(
        (other) => group.hosts.includes(other.host.name) && !mayShare(other.session.facts.systemIdentifier, own),
      )
      const names = others.map((other) => other.host.name)
      return names.length > 0
        ? [`belongs to another cluster than ${enumerate(names)}, although all are in group ${group.name}`]
        : []
    })
}
