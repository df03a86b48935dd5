import {type GroupView, type Member, memberOf} from '../../core/facts/group-view.ts'
import {addressesOf} from '../../core/facts/host-record.ts'
import {foldNode} from '../../core/ha-tools/repmgr.ts'
import {addressKey} from '../../core/offers/address-key.ts'
import {enumerate} from '../../core/phrases.ts'
import type {PeerView, ViewedHost} from '../../protocol/view-reader.ts'

/** What a peer answered. `askedAt`: monotonic of this process, before the question was sent. */
export type Word = Readonly<{askedAt: number}> &
  Readonly<
    | {kind: 'view'; view: PeerView}
    /** harepd and primgr: what repmgr's table says, without age and timeline. primgr names no slaves. */
    | {kind: 'metadata'; masters: readonly string[]; slaves: readonly string[]; named: 'by address' | 'by name'}
  >

/**
 * What one peer says of one host. `at`: monotonic, when the question behind it was sent, by the peer and by
 * this process: it counts for `max_age` from then on.
 */
export type Vote = Readonly<{why: string}> &
  Readonly<
    | {kind: 'yes'; at: number}
    /** `names`: another host of the group, where the peer names one. */
    | {kind: 'no'; at: number; names: string | null}
    /** The peer sees a later timeline than that of the host. */
    | {kind: 'ahead'; at: number}
    | {kind: 'unknown'}
  >

export type VoteQuestion = Readonly<{leader: Member; view: GroupView; maxAgeMs: number}>

/**
 * The vote of a peer by its own SQL-only view, never by its verdict: exchanged verdicts would confirm each
 * other. A peer that sees two primaries, or that has not asked every host yet, names none.
 */
export function voteOf({askedAt, view: seen}: Word & {kind: 'view'}, question: VoteQuestion): Vote {
  const {leader, view} = question
  const hosts = seen.hosts.filter((host) => !isForeign(host, view))
  if (hosts.length === 0) return {kind: 'unknown', why: 'watches another cluster'}
  const told = hosts.flatMap((host) => {
    const at = askedAt - (host.askedMsAgo ?? 0)
    return host.role === 'unavailable' || view.now - at > question.maxAgeMs ? [] : [{...host, at}]
  })
  // A primary with an unknown timeline counts as the lowest, as in V2.
  const ahead = told.find(({timeline}) => (timeline ?? 0) > (leader.timeline ?? 0))
  if (ahead !== undefined) {
    const own = leader.timeline === null ? 'its own is unknown' : `${leader.host} is on ${leader.timeline}`
    return {kind: 'ahead', at: ahead.at, why: `sees ${ahead.name} on timeline ${ahead.timeline}, and ${own}`}
  }
  // A rival whose answer is too old, or a later timeline, is not gone: it would speak against the host.
  const isForgotten = ({name, role, timeline}: ViewedHost) =>
    role !== 'unavailable' &&
    (role === 'primary' || (timeline ?? 0) > (leader.timeline ?? 0)) &&
    !told.some((host) => host.name === name)
  const unasked = hosts.filter((host) => isUnasked(host) || isForgotten(host)).map(({name}) => name)
  if (unasked.length > 0) return {kind: 'unknown', why: `has no fresh answer from ${enumerate(unasked)}`}
  const primaries = told.filter(({role}) => role === 'primary')
  const [primary, second] = primaries
  if (primary === undefined) return withoutPrimary(told, hosts, leader)
  if (second !== undefined) {
    const names = enumerate(primaries.map(({name}) => name))
    return {kind: 'no', at: oldestOf(primaries), names: null, why: `sees ${names} as primary, so it names none`}
  }
  const named = memberFor(primary, view)
  if (named === 'ambiguous') {
    const why = `calls a host ${primary.name} that has another name here (${primary.address}:${primary.port})`
    return {kind: 'unknown', why}
  }
  if (named === leader.host) return {kind: 'yes', at: primary.at, why: `names ${leader.host}`}
  return {kind: 'no', at: primary.at, names: named, why: `names ${named ?? primary.name}`}
}

/** The vote of a peer that repeats metadata of unknown age: it may deny, and never confirms. */
export function voteByMetadata({askedAt, masters, named}: Word & {kind: 'metadata'}, question: VoteQuestion): Vote {
  const {leader, view} = question
  if (view.now - askedAt > question.maxAgeMs) return {kind: 'unknown', why: 'is silent'}
  if (masters.length === 0) return {kind: 'no', at: askedAt, names: null, why: 'names no master'}
  const found = masters.map((master) => memberCalled(master, named, view))
  if (found.every((host) => host === leader.host))
    return {kind: 'unknown', why: `names ${leader.host} by its metadata, which confirm nothing`}
  const other = found.find((host) => host !== null && host !== leader.host) ?? null
  // An address that belongs to no host may be the leader's, seen from another network.
  if (other === null) return {kind: 'unknown', why: `names ${enumerate(masters)}, which is no host here`}
  return {kind: 'no', at: askedAt, names: other, why: `names ${enumerate(masters)} by its metadata`}
}

/** The peer has neither an answer nor a cause, or its answer is too old. It may not have seen a second primary yet. */
const isUnasked = ({role, cause}: ViewedHost) => role === 'unavailable' && (cause === null || cause === 'stale')

function isForeign({systemIdentifier, cause}: ViewedHost, {identity}: GroupView): boolean {
  if (cause === 'foreign-cluster') return true
  return identity.kind === 'known' && systemIdentifier !== null && systemIdentifier !== identity.systemIdentifier
}

type Told = ViewedHost & Readonly<{at: number}>
const oldestOf = (hosts: readonly Told[]) => Math.min(...hosts.map(({at}) => at))

function withoutPrimary(told: readonly Told[], hosts: readonly ViewedHost[], {host}: Member): Vote {
  const own = told.find(({name}) => name === host)
  if (own !== undefined) return {kind: 'no', at: own.at, names: null, why: `sees ${host} as a standby`}
  const seen = hosts.find(({name}) => name === host)
  if (seen === undefined) return {kind: 'unknown', why: `does not watch ${host}`}
  return {kind: 'unknown', why: `has no fresh answer from ${host}${seen.cause === null ? '' : ` (${seen.cause})`}`}
}

/**
 * The host of this configuration that the peer means, by name, else by address and port. `null`: a
 * stranger. `ambiguous`: name and address are those of two different hosts here.
 */
function memberFor({name, address, port}: ViewedHost, view: GroupView): string | 'ambiguous' | null {
  const byName = memberOf(view, name)
  const byAddress = view.members.filter((member) => isAt(member, address, port))
  if (byName === null) return byAddress.length === 1 ? (byAddress[0]?.host ?? null) : null
  const isOther = byAddress.length > 0 && !byAddress.includes(byName)
  return isOther ? 'ambiguous' : byName.host
}

const isAt = ({record}: Member, address: string, port: number | null): boolean =>
  (port === null || record.settings.connection.port === port) &&
  addressesOf(record).some((known) => addressKey(known) === addressKey(address))

function memberCalled(master: string, named: 'by address' | 'by name', view: GroupView): string | null {
  const found = view.members.filter((member) =>
    named === 'by name' ? foldNode(member.host) === foldNode(master) : isAt(member, master, null),
  )
  return found.length === 1 ? (found[0]?.host ?? null) : null
}
