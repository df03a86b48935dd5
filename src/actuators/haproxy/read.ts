import type {HaproxyFrontend} from './hold-plan.ts'
import type {HaproxyServer} from './match.ts'
import type {Runtime} from './runtime.ts'
import {frontendsOf, sessionsOf} from './sessions.ts'

/**
 * One life of HAProxy: a reload or a restart forgets every earlier command. In a container each
 * life has the same `pid`.
 */
export type HaproxyLife = Readonly<{pid: string; uptimeS: number}>
/** `opState`: 0 down, 1 starting, 2 up, 3 stopping, by its checks. */
export type ReadServer = HaproxyServer & Readonly<{opState: number}>
export type HaproxyState = Readonly<{
  life: HaproxyLife
  servers: readonly ReadServer[]
  frontends: readonly HaproxyFrontend[]
  version: string
}>

export const isSameLife = (before: HaproxyLife, now: HaproxyLife): boolean =>
  before.pid === now.pid && before.uptimeS <= now.uptimeS

/**
 * Reads all servers of all backends (HAProxy 2.6 management guide: "show info", "show servers
 * state", "show stat").
 */
export async function readHaproxy(runtime: Runtime): Promise<HaproxyState> {
  const info = await runtime.ask('show info')
  const life = {
    pid: /^Pid: (\d+)$/m.exec(info)?.[1] ?? '',
    uptimeS: Number(/^Uptime_sec: (\d+)$/m.exec(info)?.[1] ?? 0),
  }
  // 4: servers, 1: frontends.
  const statistics = await runtime.ask('show stat -1 5 -1')
  const sessions = sessionsOf(statistics)
  const [header = '', ...rows] = (await runtime.ask('show servers state'))
    .split('\n')
    .filter((line) => /^(# |\d+ )/.test(line))
  const column = header.replace(/^# /, '').split(' ')
  const servers = rows.map((row): ReadServer => {
    const cells = row.split(' ')
    const cell = (name: string) => cells[column.indexOf(name)] ?? ''
    const [backend, server] = [cell('be_name'), cell('srv_name')]
    return {
      backend,
      server,
      // A dash: a name that is not resolved, or a unix socket.
      address: cell('srv_addr') === '-' ? null : cell('srv_addr') || null,
      port: Number(cell('srv_port')),
      // A dash: haproxy.cfg has an address.
      name: cell('srv_fqdn') === '-' ? null : cell('srv_fqdn') || null,
      adminState: Number(cell('srv_admin_state')),
      opState: Number(cell('srv_op_state')),
      sessions: sessions.get(`${backend}/${server}`) ?? 0,
    }
  })
  const version = /^Version: (\S+)$/m.exec(info)?.[1] ?? ''
  return {life, servers, frontends: frontendsOf(statistics), version}
}
