import {openRuntime, type RuntimeAddress} from './runtime.ts'

export type Deposed = readonly Readonly<{backend: string; server: string}>[]

/**
 * After a reload the old worker goes on with the sessions it has, and the stats socket is the new
 * one's: only the master process reaches it (HAProxy 2.6 management guide, 9.4 "Master CLI": "show
 * proc", "@!PID"). Cuts what old workers still hold to `deposed`; returns what was said.
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
    throw new Error(`${master} does not answer as HAProxy's master: is it the socket of "haproxy -S"?`)
  for (const pid of staleWorkers(processes)) {
    for (const session of sessionsTo(deposed, await askMaster(master, `@!${pid} show sess`, signal))) {
      // One at a time: to "shutdown sessions server" an old worker answers that its proxies are
      // disabled.
      const command = `@!${pid} shutdown session ${session}`
      const reply = await askMaster(master, command, signal)
      // It may have ended by itself in between.
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

/** The master's prompt is another one, so each command has a connection of its own. */
async function askMaster(master: RuntimeAddress, command: string, signal: AbortSignal): Promise<string> {
  using runtime = await openRuntime(master, signal)
  return await runtime.askLast(command)
}
