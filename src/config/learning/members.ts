import {isHostName} from '../sections/hosts/host-name.ts'
import type {LearnedCluster, LearnedMember} from './learned.ts'

/**
 * What was told now, and the members of before that no other one has the place of. A member that the
 * DCS has not heard from for a ttl is no longer listed, though it may still be a primary. An answer of
 * another scope replaces none.
 */
export function withThoseBefore(told: LearnedCluster, before: LearnedCluster | null): LearnedCluster {
  if (before === null) return told
  if (before.scope !== told.scope) return before
  const isReplaced = ({name, host, port}: LearnedMember) =>
    told.members.some((one) => one.name === name || (one.host === host && one.port === port))
  return {...told, members: inOrder([...told.members, ...before.members.filter((member) => !isReplaced(member))])}
}

/** Always the same order: a host that moves in the configuration is no change. */
export const inOrder = (members: readonly LearnedMember[]): readonly LearnedMember[] =>
  members.toSorted((one, other) => (one.name < other.name ? -1 : 1))

/** Host → member. Patroni takes names that a host cannot have. */
export function hostNames(members: readonly LearnedMember[]): ReadonlyMap<string, LearnedMember> {
  const hosts = new Map<string, LearnedMember>()
  for (const member of members) {
    const plain = member.name.replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 60)
    const name = isHostName(plain) ? plain : `host-${plain.replaceAll('.', '-')}`
    hosts.set(hosts.has(name) ? `${name}-${hosts.size}` : name, member)
  }
  return hosts
}

/** `null`: the text holds no such cluster. */
export function readCluster(value: unknown): LearnedCluster | null {
  const {scope, members} = Object(value) as Record<string, unknown>
  if (typeof scope !== 'string' || !Array.isArray(members)) return null
  return {scope, members: inOrder(members.flatMap((member) => readMember(member) ?? []))}
}

/** Of GET /cluster, or of what was kept. `null`: it does not tell where its PostgreSQL is. */
export function readMember(value: unknown): LearnedMember | null {
  const {name, host, port = 5432} = Object(value) as Record<string, unknown>
  const number = Number(port)
  const isPort = Number.isInteger(number) && number > 0 && number < 65_536
  if (typeof name !== 'string' || name === '' || typeof host !== 'string' || !isPort) return null
  // Never a way to more than one host, nor a connection string.
  return /^[^\s,@/]{1,255}$/.test(host) ? {name, host, port: number} : null
}
