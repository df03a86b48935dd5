import {openRuntime, type RuntimeAddress} from './runtime.ts'
import {sessionsOf} from './sessions.ts'

export type Deposed = readonly Readonly<{backend: string; server: string}>[]

/**
 * After a reload the old worker goes on with the sessions it has, and the stats socket is the new one's: only the master process reaches it
 * (HAProxy 2.6 management guide, 9.4 "Master CLI": "show proc", "@!PID"). Cuts what old workers still hold to `deposed`; returns what was said.
 */
export async function cutOldWorkers(master: RuntimeAddress, deposed: Deposed, signal: AbortSignal): Promise<readonly string[]> {
  if (deposed.length === 0) return []
  const said: string[] = []
  for (const pid of oldWorkers(await askMaster(master, 'show proc', signal))) {
    const sessions = sessionsOf(await askMaster(master, `@!${pid} show stat -1 4 -1`, signal))
    for (const {backend, server} of deposed) {
      if (!((sessions.get(`${backend}/${server}`) ?? 0) > 0)) continue
      const command = `@!${pid} shutdown sessions server ${backend}/${server}`
      const reply = await askMaster(master, command, signal)
      if (reply !== '') throw new Error(`HAProxy's master answered "${reply}" to "${command}"`)
      said.push(command)
    }
  }
  return said
}

const oldWorkers = (processes: string): readonly string[] =>
  [...(/^# old workers\n([\s\S]*?)(?:^#|$(?![\s\S]))/m.exec(processes)?.[1] ?? '').matchAll(/^(\d+)\s+worker/gm)].map(
    ([, pid]) => pid ?? '',
  )

/** The master's prompt is another one, so each command has a connection of its own. */
async function askMaster(master: RuntimeAddress, command: string, signal: AbortSignal): Promise<string> {
  using runtime = await openRuntime(master, signal)
  return runtime.askLast(command)
}
