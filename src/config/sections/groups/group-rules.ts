import {formatDuration} from '../../../core/duration.ts'
import type {GroupSettings, HostSettings, OnSilent} from '../../../core/settings.ts'
import {nearest} from '../../../core/words/nearest.ts'
import {below} from '../../reading/section.ts'
import type {Context} from '../context.ts'
import {nameForm} from '../hosts/host-name.ts'
import {canBeHeld, countsHosts, isExclusive, usableConfirmations} from './confirmation.ts'
import {externalSettings, refuseShared} from './external.ts'
import type {GroupFields, Member, Policy} from './group-fields.ts'
import {impliedGroup} from './group-names.ts'
import {checkPeerUse, type PeerSet, peersFrom} from './peer-rules.ts'

export type Rules = Context & Readonly<{general: Policy}>

/**
 * The groups for the monitor, each checked by the rules of DESIGN 4.2 and 4.3. `groupsKey`: `groups`
 * or `host_groups`, whichever the file has.
 */
export function groupSettings(
  groups: ReadonlyMap<string, GroupFields> | null,
  groupsKey: string,
  rules: Rules,
): readonly GroupSettings[] {
  const peers = generalPeers(rules)
  if (groups === null) {
    const all = {name: impliedGroup, hosts: namesOf(rules.hosts), own: null, path: ''}
    return [settle(all, peers, rules)]
  }
  refuseShared(groups, rules)
  const settled = [...groups].map(([name, fields]) => {
    const path = below(groupsKey, name)
    return settle({name, hosts: members(fields.hosts, path, rules), own: fields, path}, peers, rules)
  })
  warnOfLonely(settled, rules)
  return settled
}

/** Peers and witness at the top, checked once and not once per group. */
const generalPeers = ({general: {peers, witness}, directory, report}: Rules): PeerSet =>
  peersFrom({peers: peers ?? [], witness, directory, report})

type Unsettled = Readonly<{name: string; hosts: readonly string[]; own: GroupFields | null; path: string}>

function settle({name, hosts, own, path}: Unsettled, generalPeers: PeerSet, rules: Rules): GroupSettings {
  const {general, report} = rules
  /** The path of the value in force: the group's own, or the general one. */
  const at = (key: keyof Policy) => (own?.[key] != null ? below(path, key) : key)
  const confirmed = own?.confirm ?? general.confirm ?? []
  // The general list is checked once, not once per group.
  const judged = own?.confirm != null || report.isClean('confirm')
  const confirm = judged ? usableConfirmations(confirmed, at('confirm'), report) : []
  const failoverAfterMs = own?.failover_after ?? general.failover_after
  const onSilent = silence(own?.on_silent ?? general.on_silent, at('on_silent'), {
    confirm: confirmed,
    failoverAfterMs,
    toolTells: (own?.patroni ?? general.patroni) !== null,
    report,
  })
  const onSplitBrain = own?.on_split_brain ?? general.on_split_brain ?? 'refuse'

  const where = own?.confirm != null ? at('confirm') : path || 'confirm'
  const lacking = report.isClean(at('confirm')) ? lackOfEvidence(confirm) : null
  if (onSplitBrain === 'follow-evidence' && lacking !== null) {
    const next = 'Add followers to confirm, or set on_split_brain: refuse.'
    report.refuse(at('on_split_brain'), 'CONFIG_NO_EVIDENCE', `is follow-evidence, but ${lacking}`, next)
  }
  if (confirm.length > 0 && !confirm.some(isExclusive)) {
    const message =
      `requires only ${confirm.join(' and ')}, which does not make several daemons exclusive: ` +
      'a host that answers both halves of a partition confirms two primaries'
    // The general list is told of once, not once per group.
    if (!report.warnings.some((warning) => warning.path === at('confirm') && warning.message === message))
      report.warn(at('confirm'), message, 'Where more than one serve watches the group, use followers.')
  }
  const isWhole = report.isClean(path || 'hosts')
  if (isWhole && confirm.some((name) => name !== 'peers') && hosts.length === 1) {
    report.refuse(
      where,
      'CONFIG_CONFIRM',
      'requires a confirmation, but no other host can give it',
      'Add hosts, or remove confirm.',
    )
  }
  const counting = confirm.filter(countsHosts)
  if (isWhole && counting.length > 0 && hosts.length === 2) {
    const message = `requires ${counting.join(' and ')} of two hosts only, so writes stop while the standby is away`
    report.warn(where, message, 'Add a third host, or a witness.')
  }
  const peers = peersOf(own, generalPeers, rules)
  checkPeerUse(peers, {confirm, onSilent, hosts: hosts.length, at: pathsOf(at), report})
  return {
    name,
    hosts,
    confirm,
    onSilent,
    onSplitBrain,
    onLossyPromotion: own?.on_lossy_promotion ?? general.on_lossy_promotion ?? 'tell',
    readFallback: own?.read_fallback ?? general.read_fallback ?? 'primary',
    // Of two hosts one standby alone would be the proof, and it may be the one that is cut off: then
    // peers must go on confirming.
    sustainMs:
      own?.sustain ??
      general.sustain ??
      (hosts.length > 2 || (hosts.length === 2 && confirm.includes('peers')) ? defaultSustainMs : 0),
    systemIdentifier: own?.system_identifier ?? null,
    failoverAfterMs,
    ...externalSettings({hosts, confirm, own}, path, rules),
    ...peers,
  }
}

const defaultSustainMs = 30_000

const namesOf = (hosts: readonly HostSettings[]) => hosts.map(({name}) => name)

/** A group may have its own peers, its own witness, or both. */
function peersOf(own: GroupFields | null, general: PeerSet, {directory, report}: Rules): PeerSet {
  const mine = peersFrom({peers: own?.peers ?? [], witness: own?.witness ?? null, directory, report})
  return {
    peers: own?.peers == null ? general.peers : mine.peers,
    witness: own?.witness == null ? general.witness : mine.witness,
  }
}

const pathsOf = (at: (key: keyof Policy) => string) => ({
  confirm: at('confirm'),
  peers: at('peers'),
  witness: at('witness'),
  onSilent: at('on_silent'),
})

/** Why `confirm` cannot decide between two primaries (DESIGN 4.2); `null`: it can. */
function lackOfEvidence(confirm: readonly string[]): string | null {
  if (confirm.length === 0) return 'confirm is empty, so nothing gives evidence'
  return confirm.some(isExclusive) ? null : `confirm is ${confirm.join(' and ')}, which names no host`
}

type Silence = Pick<Rules, 'report'> &
  Readonly<{
    confirm: readonly string[]
    failoverAfterMs: number | null
    /** The HA tool of the group is asked for its own delay, which bounds the hold. */
    toolTells: boolean
  }>

/** During a hold, clients can write to two primaries. Hence its limits (DESIGN 4.3). */
function silence(
  given: Policy['on_silent'],
  path: string,
  {confirm, failoverAfterMs, toolTells, report}: Silence,
): OnSilent {
  if (given === null || given === 'deny' || given === 'ignore') return given ?? 'deny'
  if (given.hold === null) {
    if (report.isClean(path))
      report.refuse(`${path}.hold`, 'CONFIG_MISSING', 'is missing', 'Write "on_silent: {hold: 10s}", deny or ignore.')
    return 'deny'
  }
  if (!report.isClean(path)) return 'deny'
  if (!canBeHeld(confirm)) {
    const next = 'Use deny or ignore: the last answer of majority and followers says nothing about now.'
    report.refuse(path, 'CONFIG_HOLD', 'holds, but only repmgr, pgaf, patroni and peers can be held', next)
  } else if (failoverAfterMs === null ? !toolTells : given.hold >= failoverAfterMs) {
    const limit =
      failoverAfterMs === null
        ? 'failover_after, which is not set'
        : `failover_after (${formatDuration(failoverAfterMs)})`
    report.refuse(
      path,
      'CONFIG_HOLD',
      `is ${formatDuration(given.hold)}, and must be less than ${limit}`,
      "Set failover_after to the HA tool's own delay, and hold to less.",
    )
  }
  return {holdMs: given.hold}
}

function members(entries: readonly Member[], path: string, {hosts: all, report}: Rules): readonly string[] {
  const hosts = namesOf(all)
  if (entries.length === 0 && report.isClean(path))
    report.refuse(path, 'CONFIG_MISSING', 'names no hosts', 'List the hosts of the group.')
  const names = entries.map(({name}) => name)
  return entries.flatMap(({name, path: at}, index) => {
    const isKnown = hosts.includes(name)
    if (isKnown && names.indexOf(name) === index) return [name]
    const near = nearest(name, hosts)
    const next = isKnown
      ? 'Remove one of the two entries.'
      : near
        ? `Did you mean "${near}"?`
        : `Add it to hosts, or write one of ${hosts.slice(0, 12).join(', ')}.`
    const shown = report.quote(name, nameForm)
    const message = `${shown}${isKnown ? 'is named a second time' : 'is not the name of a host'}`
    if (report.isClean(at)) report.refuse(at, 'CONFIG_UNKNOWN_HOST', message, next)
    return []
  })
}

function warnOfLonely(groups: readonly GroupSettings[], {hosts, report}: Rules): void {
  for (const host of namesOf(hosts)) {
    if (groups.some((group) => group.hosts.includes(host))) continue
    report.warn(
      below('hosts', host),
      'is in no group: the daemon watches this host, and offers it to no router',
      'Add the host to a group.',
    )
  }
}
