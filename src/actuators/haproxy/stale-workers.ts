import {openRuntime, type RuntimeAddress} from './runtime.ts'

export type Deposed = readonly Readonly<{backend: string; server: string}>[]

/**
 * Cuts the sessions that old workers still have to `deposed` servers; returns the commands sent.
 * After a reload the old worker keeps its sessions, and the stats socket belongs to the new worker:
 * only the master process reaches the old one (HAProxy 2.6 management guide, 9.4 "Master CLI": "show
 * proc", "@!PID").
 */
export async function cutStaleWorkers(
  master: RuntimeAddress,
  deposed: Deposed,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (deposed.length === 0) return []
  const sent: string[] = []
  const processes = await askMaster(master, 'show proc', signal)
  if (!processes.startsWith('#'))
    throw new Error(
      `${master} is not the socket of HAProxy's master: set master_socket to the path given to "haproxy -S"`,
    )
  for (const pid of staleWorkers(processes)) {
    for (const session of sessionsTo(deposed, await askMaster(master, `@!${pid} show sess`, signal))) {
      // One session at a time: an old worker refuses "shutdown sessions server", because its proxies
      // are disabled.
      const command = `@!${pid} shutdown session ${session}`
      const reply = await askMaster(master, command, signal)
      // The session may have ended by itself in between.
      if (reply !== '' && !/no such session/i.test(reply))
        throw new Error(`HAProxy's master answered "${reply}" to "${command}"`)
      sent.push(command)
    }
  }
  return sent
}

const staleWorkers = (processes: string): readonly string[] =>
  [...(processes.split('# old workers')[1]?.split('\n#')[0] ?? '').matchAll(/^(\d+)\s+worker/gm)].map(
    ([, pid]) => pid ?? '',
  )

const sessionsTo = (deposed: Deposed, list: string): readonly string[] =>
  [...list.matchAll(/^(0x[0-9a-f]+): .* be=(\S+) srv=(\S+) /gm)]
    .filter(([, , be, srv]) => deposed.some(({backend, server}) => backend === be && server === srv))
    .map(([, id]) => id ?? '')

/** The master has another prompt, so each command uses a connection of its own. */
async function askMaster(master: RuntimeAddress, command: string, signal: AbortSignal): Promise<string> {
  using runtime = await openRuntime(master, signal)
  return await runtime.askLast(command)
}
