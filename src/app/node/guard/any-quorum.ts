import {type Asked, anyRule, type ClusterLists} from '../../../actuators/guard/any-rule.ts'
import {type Decision, denied} from '../../../actuators/guard/plan.ts'
import type {GuardSettings} from '../../../core/node/guard-settings.ts'
import {addressKey} from '../../../core/offers/address-key.ts'
import {enumerate} from '../../../core/phrases.ts'
import type {PeerSettings} from '../../../core/settings.ts'
import type {HostState, Snapshot} from '../../../core/snapshot.ts'
import type {Word} from '../../../sources/peer/vote.ts'

export type AnyPass = Readonly<{
  snapshot: Snapshot
  group: string
  /** The name of this host. */
  host: string
  /** What neighbours and the witness said last, by URL. */
  words: ReadonlyMap<string, Word>
  guard: Pick<GuardSettings, 'neighbours' | 'witness' | 'allowReadOnly' | 'leaseMs'>
  /** The decision in force. */
  before: Decision
  /** An older answer counts as none. */
  maxAgeMs: number
  now: number
}>

/**
 * `quorum: any`: harepd's rule over what this host and its neighbours see. Where nothing is to
 * change, harepd keeps an open gate for ever; here it ends with its lease.
 */
export function decideByAny(pass: AnyPass): Decision {
  const {snapshot, group, host, guard, before, now, words} = pass
  const hosts = (snapshot.groups[group]?.hosts ?? []).flatMap((name) => snapshot.hosts[name] ?? [])
  const own = hosts.find((each) => each.host === host)
  if (own === undefined || own.role === 'unavailable' || own.askedAt === null)
    return denied('G3', `PostgreSQL of ${host} gives no fresh answer`)
  const primaries = hosts.filter(({role}) => role === 'primary').map((each) => each.host)
  // A table of repmgr never shows two; SQL does, and then harepd's rule would open both.
  if (primaries.length > 1) return denied('G4', `${enumerate(primaries)} answer as primary`)
  const ask = (peer: PeerSettings) => askedOf(peer, hosts, pass)
  const witness = guard.witness && ask(guard.witness)
  const answer = anyRule({
    own: listsOf(hosts, ({host: name}) => name),
    me: host,
    neighbours: guard.neighbours.filter(({url}) => !isUs(words.get(url), snapshot)).map(ask),
    witness: witness && {...witness, name: `the witness ${witness.name}`},
  })
  const {standing, by} = answer
  const why = `quorum any: ${answer.why}`
  if (standing === 'unchanged' && before.until !== null && now < before.until) return {...before, why}
  if (by === null || standing === 'denied' || standing === 'unchanged') return denied('G5', why)
  const until = Math.min(own.askedAt, by.askedAt) + guard.leaseMs
  if (until <= now) return denied('G6', `the lease ended: ${why}`)
  if (standing === 'primary') return {gates: {readWrite: 'allow', readOnly: 'allow'}, rule: 'G1', why, until}
  const readOnly = guard.allowReadOnly ? 'allow' : 'deny'
  return {gates: {readWrite: 'deny', readOnly}, rule: 'G2', why, until: guard.allowReadOnly ? until : null}
}

const isUs = (word: Word | undefined, {epoch}: Snapshot): boolean => word?.kind === 'view' && word.view.epoch === epoch

function askedOf({url}: PeerSettings, hosts: readonly HostState[], {words, maxAgeMs, now}: AnyPass): Asked {
  const name = new URL(url).host
  const word = words.get(url)
  if (word === undefined || now - word.askedAt > maxAgeMs) return {name, lists: null, askedAt: now}
  const {askedAt} = word
  if (word.kind === 'metadata') {
    const called = (text: string) => (word.named === 'by name' ? text : hostAt(text, hosts))
    return {name, lists: {masters: word.masters.map(called), slaves: word.slaves.map(called)}, askedAt}
  }
  const fresh = word.view.hosts.filter(({askedMsAgo}) => now - askedAt + (askedMsAgo ?? 0) <= maxAgeMs)
  return {name, lists: listsOf(fresh, (host) => host.name), askedAt}
}

function listsOf<T extends {role: HostState['role']}>(hosts: readonly T[], nameOf: (host: T) => string): ClusterLists {
  const named = (role: HostState['role']) => hosts.filter((host) => host.role === role).map(nameOf)
  return {masters: named('primary'), slaves: named('standby')}
}

/** The name of the one host there; an address of no host stays, and so agrees with nothing. */
function hostAt(address: string, hosts: readonly HostState[]): string {
  const key = addressKey(address)
  const found = hosts.filter(({addresses}) => addresses.some((one) => addressKey(one) === key))
  return found.length === 1 ? (found[0]?.host ?? address) : address
}
