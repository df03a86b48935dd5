export const listenerKinds = ['http', 'socket', 'control', 'patroni', 'primgr', 'grpc'] as const
/**
 * `http`: the port; `socket`: the unix socket for all; `control`: the one for orders; `patroni` and
 * `primgr`: the ports of local_api; `grpc`: the call of harepd.
 */
export type ListenerKind = (typeof listenerKinds)[number]

/**
 * The listening sockets that systemd hands over (sd_listen_fds(3)): descriptors from 3, named by
 * LISTEN_FDNAMES, else in the order of `listenerKinds`. `pid`: LISTEN_PID must equal it, so that a
 * child process which inherits the environment does not take the sockets.
 */
export function inheritedListeners(env: NodeJS.ProcessEnv, pid: number): ReadonlyMap<ListenerKind, number> {
  const found = new Map<ListenerKind, number>()
  if (Number(env.LISTEN_PID) !== pid) return found
  const names = (env.LISTEN_FDNAMES ?? '').split(':')
  const count = Math.min(16, Number(env.LISTEN_FDS) || 0)
  for (let index = 0; index < count; index += 1) {
    const isNamed = names.some((name) => (listenerKinds as readonly string[]).includes(name))
    const kind = isNamed ? listenerKinds.find((one) => one === names[index]) : listenerKinds[index]
    if (kind !== undefined && !found.has(kind)) found.set(kind, 3 + index)
  }
  return found
}
