import type {Standing} from '../../../actuators/guard/plan.ts'
import {type GroupState, type HostState, type Snapshot, timelineOf} from '../../../core/snapshot.ts'

/**
 * What the monitor of the guard knows, as its decision needs it. The verdict of a group that only `peers`
 * confirm is the agreement: the host that SQL shows as the sole primary, and that a majority names.
 */
export function standingOf(snapshot: Snapshot, group: string, host: string): Standing {
  const state = snapshot.groups[group]
  const hosts = (state?.hosts ?? []).flatMap((name) => snapshot.hosts[name] ?? [])
  const own = snapshot.hosts[host]
  const primaries = hosts.filter(({role}) => role === 'primary').map((each) => each.host)
  const agreed = state === undefined || own === undefined ? null : agreementOf(state, hosts, own)
  return {
    own: own === undefined || own.role === 'unavailable' ? 'silent' : own.role,
    primaries,
    agreed,
    why: state?.verdict.why ?? 'the guard starts',
  }
}

function agreementOf({verdict, evidence}: GroupState, hosts: readonly HostState[], own: HostState): Standing['agreed'] {
  const primary = verdict.primary ?? soleRival(verdict.primaries, hosts)
  const word = evidence.find(({source, subject, answer}) =>
    source === 'peers' ? subject === primary && answer === 'confirms' : false,
  )
  const isFit = verdict.kind === 'primary' || verdict.kind === 'split-brain'
  if (primary === null || !isFit || !word || word.askedAt === null || own.askedAt === null) return null
  return {primary, askedAt: Math.min(word.askedAt, own.askedAt)}
}

/**
 * A split brain that is over but for a rival out of sight: routers wait for an operator, because the
 * rival may still be written to. Its own guard has shut it by then, as no majority names it.
 */
function soleRival(primaries: readonly string[], hosts: readonly HostState[]): string | null {
  const [only, second] = primaries
  if (only === undefined || second !== undefined) return null
  const timeline = (host: HostState) => timelineOf(host) ?? 0
  const found = hosts.find(({host}) => host === only)
  const isBehind = found === undefined || hosts.some((host) => timeline(host) > timeline(found))
  return isBehind ? null : only
}
