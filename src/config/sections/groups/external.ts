import type {GroupSettings} from '../../../core/settings.ts'
import {below} from '../../reading/section.ts'
import type {Context} from '../context.ts'
import type {GroupFields, Policy} from './group-fields.ts'
import {patroniSettings} from './patroni.ts'
import {pgafSettings} from './pgaf.ts'
import {repmgrSettings, warnOfFewNodes} from './repmgr.ts'

/** The keys of HA tools, each of which knows one cluster, and how each begins. */
const samples = {
  repmgr: 'repmgr: {dbname: repmgr}',
  pgaf: 'pgaf: {monitor: postgres://pgroute66@HOST/pg_auto_failover}',
  patroni: 'patroni: {scope: NAME, urls: [http://HOST:8008]}',
} as const
const tools = ['repmgr', 'pgaf', 'patroni'] as const

type Around = Context & Readonly<{general: Policy}>
/** One of the groups. `own`: `null`: it is the implied one. */
type Asked = Readonly<{hosts: readonly string[]; confirm: readonly string[]; own: GroupFields | null}>

/** Two clusters have two HA tools: what is asked of one says nothing about the other. */
export function refuseShared(groups: ReadonlyMap<string, GroupFields>, {general, report}: Around): void {
  if (groups.size < 2) return
  const next = 'Write it in the group that it belongs to.'
  for (const tool of tools)
    if (general[tool] !== null)
      report.refuse(tool, 'CONFIG_CONFLICT', 'stands for several groups, and each is a cluster of its own', next)
}

/** What is asked of the HA tools; `null`: nothing. */
export function externalSettings(
  {hosts, confirm, own}: Asked,
  path: string,
  around: Around,
): Pick<GroupSettings, (typeof tools)[number]> {
  const {general, directory, report} = around
  const [repmgr, pgaf, patroni] = [
    own?.repmgr ?? general.repmgr,
    own?.pgaf ?? general.pgaf,
    own?.patroni ?? general.patroni,
  ]
  const at = (tool: (typeof tools)[number]) => (own?.[tool] != null ? below(path, tool) : tool)
  if (repmgr !== null && confirm.includes('repmgr')) warnOfFewNodes({hosts, all: around.hosts}, at('repmgr'), report)
  for (const tool of tools) {
    if (!confirm.includes(tool) || (own?.[tool] ?? general[tool]) !== null) continue
    const where = own?.confirm != null ? below(path, 'confirm') : 'confirm'
    const message = `requires ${tool}, and the key ${tool} is missing`
    report.refuse(where, 'CONFIG_MISSING', message, `Add "${samples[tool]}".`)
  }
  return {
    repmgr: repmgr && repmgrSettings(repmgr, hosts, at('repmgr'), report),
    pgaf: pgaf && pgafSettings(pgaf, hosts, at('pgaf'), around),
    patroni: patroni && patroniSettings(patroni, {hosts, directory, path: at('patroni'), report}),
  }
}
