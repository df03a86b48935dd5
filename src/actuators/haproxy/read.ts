import type {HaproxyServer} from '../../core/haproxy-plan.ts'
import type {Runtime} from './runtime.ts'
import {sessionsOf} from './sessions.ts'

/** What one HAProxy is doing. `pid` is another one after a reload or a restart, and then nothing that was said before holds. */
export type HaproxyState = Readonly<{pid: string; servers: readonly HaproxyServer[]}>

/** Reads all servers of all backends (HAProxy 2.6 management guide: "show info", "show servers state", "show stat"). */
export async function readHaproxy(runtime: Runtime): Promise<HaproxyState> {
  const pid = /^Pid: (\d+)$/m.exec(await runtime.ask('show info'))?.[1] ?? ''
  const sessions = sessionsOf(await runtime.ask('show stat -1 4 -1'))
  const [header = '', ...rows] = (await runtime.ask('show servers state')).split('\n').filter((line) => /^(# |\d+ )/.test(line))
  const column = header.replace(/^# /, '').split(' ')
  const servers = rows.map((row): HaproxyServer => {
    const cells = row.split(' ')
    const cell = (name: string) => cells[column.indexOf(name)] ?? ''
    const [backend, server] = [cell('be_name'), cell('srv_name')]
    return {
      backend,
      server,
      address: cell('srv_addr'),
      port: Number(cell('srv_port')),
      adminState: Number(cell('srv_admin_state')),
      sessions: sessions.get(`${backend}/${server}`) ?? 0,
    }
  })
  return {pid, servers}
}
