import {OperatorError} from '../../core/errors.ts'
import {causeOf, type HostState, type Snapshot} from '../../core/snapshot.ts'
import {unknownName} from '../../core/unknown-name.ts'

/** The hosts of `group` (`null`: all). */
export function hostsOf({groups, hosts}: Snapshot, group: string | null): readonly HostState[] {
  if (group === null) return Object.values(hosts)
  return (groups[group]?.hosts ?? []).flatMap((name) => hosts[name] ?? [])
}

/**
 * True where every word of `text` occurs in the name, role, cause, address, upstream, groups or
 * location of the host.
 */
export function matches(host: HostState, text: string): boolean {
  const words = text.toLowerCase().split(' ').filter(Boolean)
  const drained = host.drained === null ? null : 'drained'
  const known = [
    host.host,
    host.role,
    causeOf(host),
    `${host.address}:${host.port}`,
    host.role === 'standby' ? host.upstream : null,
    ...host.groups,
    host.location,
    drained,
  ]
  const hay = known.filter(Boolean).join(' ').toLowerCase()
  return words.every((word) => hay.includes(word))
}

/**
 * The group with this name; `null`: all hosts. Without a group of that name `all` means all hosts
 * too. Throws OperatorError.
 */
export function groupNamed(name: string | undefined, {groups}: Snapshot): string | null {
  if (name === undefined) return null
  if (Object.hasOwn(groups, name)) return name
  if (name === 'all') return null
  const {message, next} = unknownName('group', name, Object.keys(groups))
  throw new OperatorError('USAGE_GROUP', message, next)
}
