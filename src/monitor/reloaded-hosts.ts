import type {HostSettings, MonitorSettings} from '../core/settings.ts'

/** What a reload does to the sessions of the hosts, by name. */
export type ReloadedHosts = Readonly<{
  added: readonly string[]
  removed: readonly string[]
  /** Another address, login or TLS: what was known of the host starts anew. */
  changed: readonly string[]
  /** The same host with other timers: its session is opened again. */
  restarted: readonly string[]
  kept: readonly string[]
}>

type Watched = Pick<MonitorSettings, 'hosts' | 'probe' | 'availability'>

export function reloadedHosts(before: Watched, after: Watched): ReloadedHosts {
  const known = new Map(before.hosts.map((host) => [host.name, host]))
  const wanted = new Set(after.hosts.map(({name}) => name))
  const isPaceSame =
    JSON.stringify([before.probe, before.availability]) === JSON.stringify([after.probe, after.availability])
  const staying = after.hosts.filter(({name}) => known.has(name))
  const same = staying.filter((host) => isSameHost(known.get(host.name), host)).map(({name}) => name)
  return {
    added: [...wanted].filter((name) => !known.has(name)),
    removed: [...known.keys()].filter((name) => !wanted.has(name)),
    changed: staying.map(({name}) => name).filter((name) => !same.includes(name)),
    restarted: isPaceSame ? [] : same,
    kept: isPaceSame ? same : [],
  }
}

/** Passwords of the configuration included: the text is compared here, and shown nowhere. */
const isSameHost = (before: HostSettings | undefined, after: HostSettings): boolean =>
  JSON.stringify(before) === JSON.stringify(after)
