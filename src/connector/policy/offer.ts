import {eligibilityOf, isHeldBack, type Limits} from '../../core/offers/eligibility.ts'
import type {ReadFallback} from '../../core/settings.ts'
import type {HostState, Snapshot, StandbyHost} from '../../core/snapshot.ts'

/** Which hosts of a group a snapshot offers, to writes and to reads. */
export type Offer = Readonly<{
  writer: string | null
  /** Standbys that may serve reads within the limits. */
  standbys: readonly StandbyHost[]
  /** Who serves reads when no standby may, as `read_fallback` says. */
  fallbacks: readonly string[]
}>

export type OfferQuestion = Readonly<{group: string; limits: Limits; fallback: ReadFallback}>

/**
 * The hosts that a group offers (DESIGN 4.4), by the rules that routers have. A group that the
 * snapshot does not have offers none.
 */
export function offerOf(snapshot: Snapshot, {group, limits, fallback}: OfferQuestion): Offer {
  const state = snapshot.groups[group]
  const hosts = (state?.hosts ?? []).flatMap((name) => snapshot.hosts[name] ?? [])
  const writer = hosts.find((host) => eligibilityOf('primary', snapshot, host, limits).ok)?.host ?? null
  const standbys = hosts.filter(
    (host): host is StandbyHost => host.role === 'standby' && eligibilityOf('replica', snapshot, host, limits).ok,
  )
  return {writer, standbys, fallbacks: fallbacksOf(hosts, writer, fallback)}
}

function fallbacksOf(hosts: readonly HostState[], writer: string | null, fallback: ReadFallback): readonly string[] {
  if (fallback === 'none') return []
  if (writer !== null) return [writer]
  if (fallback === 'primary') return []
  return hosts.flatMap((host) =>
    host.role === 'standby' && host.drained === null && !isHeldBack(host) ? [host.host] : [],
  )
}
