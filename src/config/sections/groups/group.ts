import {formatDuration} from '../../../core/duration.ts'
import type {GroupSettings} from '../../../core/settings.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import type {Keys} from '../../reading/section.ts'
import {describe} from '../../reading/shape.ts'
import type {Context} from '../context.ts'
import {type Document, given} from '../document.ts'
import type {Section} from '../section.ts'
import {groupsShape, policyFields} from './group-fields.ts'
import {impliedGroup} from './group-names.ts'
import {groupSettings} from './group-rules.ts'
import {patroniDocument} from './patroni.ts'
import {peerDocument} from './peer-fields.ts'
import {pgafDocument} from './pgaf.ts'
import {repmgrDocument} from './repmgr.ts'

const keys = {
  groups: orAbsent(groupsShape),
  host_groups: orAbsent(describe('the same as groups', groupsShape)),
}

/** Which hosts belong together, and what must confirm their primary. */
export const groupSection = {
  keys,
  settings(
    fields: Keys<typeof keys> & Keys<typeof policyFields>,
    context: Context,
  ): {groups: readonly GroupSettings[]} {
    if (fields.groups !== null && fields.host_groups !== null)
      context.report.refuse(
        'host_groups',
        'CONFIG_CONFLICT',
        'is the same as groups, which is there too',
        'Keep groups.',
      )
    const groupsKey = fields.groups ? 'groups' : 'host_groups'
    return {groups: groupSettings(fields.groups ?? fields.host_groups, groupsKey, {...context, general: fields})}
  },
  document: ({groups}) =>
    isImplied(groups)
      ? groupDocument(groups[0], false)
      : {groups: Object.fromEntries(groups.map((group) => [group.name, groupDocument(group, true)]))},
} satisfies Section

/** What holds for all groups. The groups take it in, and print it. */
export const policySection = {keys: policyFields, settings: () => ({}), document: () => ({})} satisfies Section

const isImplied = (groups: readonly GroupSettings[]): groups is readonly [GroupSettings] =>
  groups.length === 1 && groups[0]?.name === impliedGroup

function groupDocument(group: GroupSettings, withHosts: boolean): Document {
  return given({
    hosts: withHosts ? group.hosts : null,
    confirm: group.confirm,
    on_silent: typeof group.onSilent === 'string' ? group.onSilent : {hold: formatDuration(group.onSilent.holdMs)},
    on_split_brain: group.onSplitBrain,
    on_lossy_promotion: group.onLossyPromotion,
    read_fallback: group.readFallback,
    patroni: group.patroni && patroniDocument(group.patroni),
    repmgr: group.repmgr && repmgrDocument(group.repmgr),
    pgaf: group.pgaf && pgafDocument(group.pgaf),
    sustain: formatDuration(group.sustainMs),
    system_identifier: group.systemIdentifier,
    peers: group.peers.length > 0 ? group.peers.map(peerDocument) : null,
    witness: group.witness && peerDocument(group.witness),
    failover_after: group.failoverAfterMs === null ? null : formatDuration(group.failoverAfterMs),
  })
}
