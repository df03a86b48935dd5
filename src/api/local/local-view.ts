import type {LocalApiSettings} from '../../config/config.ts'
import type {NamedPrimaries} from '../../core/ha-tools/repmgr.ts'
import type {PatroniSettings, RepmgrSettings} from '../../core/settings.ts'
import type {GroupState, HostState, Snapshot} from '../../core/snapshot.ts'
import type {Moment} from '../../protocol/snapshot-json.ts'
import {type Context, momentOf} from '../context.ts'

/** What an answer about the local host is made of. */
export type LocalView = Readonly<{
  settings: LocalApiSettings
  snapshot: Snapshot
  /** `null`: the monitor does not have the host, for a moment of a reload. */
  host: HostState | null
  /** The first group of the host; `null`: none. */
  group: GroupState | null
  at: Moment
  /** This process asks the hosts of the group itself; otherwise another instance of its set does. */
  isOwnView: boolean
  /** Of the group; `null`: Patroni is not asked. */
  patroni: PatroniSettings | null
  /** Of the group; `null`: repmgr is not asked. */
  repmgr: RepmgrSettings | null
  /** What the host's own table of repmgr said last; `null`: nothing. */
  named: NamedPrimaries | null
}>

/** `null`: the configuration in force has no local_api; its listeners are about to close. */
export function localView(context: Context): LocalView | null {
  const settings = context.config.localApi
  if (settings === null) return null
  const snapshot = context.source.current()
  const host = Object.hasOwn(snapshot.hosts, settings.host) ? (snapshot.hosts[settings.host] ?? null) : null
  const group = snapshot.groups[host?.groups[0] ?? ''] ?? null
  const name = group?.name ?? ''
  const {patroni = null, repmgr = null} = context.config.groups.find((each) => each.name === name) ?? {}
  const named = repmgr === null ? null : context.tables.primariesOf(name, settings.host)
  const isOwnView = context.shared ? Object.hasOwn(context.shared.own.current().groups, name) : true
  return {settings, snapshot, host, group, at: momentOf(context), isOwnView, patroni, repmgr, named}
}
