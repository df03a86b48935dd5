import {Mismatch, object, type Reader, record, text} from '../data/reader.ts'
import {normalised, type Role, type State} from '../data/status.ts'
import {toldUrl} from '../transport.ts'
import type {Discovery, MemberAddress} from './discovery.ts'

/** `members/<name>`: what the member wrote about itself at its last loop. */
export type TreeMember = Readonly<{
  name: string
  api_url?: string
  conn_url?: string
  role?: Role
  state?: State
  timeline?: number
  version?: string
  [field: string]: unknown
}>

/** What Patroni keeps in its DCS below `<namespace>/<scope>/`, with the same names in every DCS. */
export type Tree = Readonly<{
  /** The member that holds the lock; `null`: none does. */
  leader: string | null
  members: readonly TreeMember[]
  /** `database_system_identifier`; `null`: not initialised. */
  initialize: string | null
  /** The dynamic configuration, as it was written. */
  config: Readonly<Record<string, unknown>>
  /** A switchover that is scheduled: `{leader, member, scheduled_at}`. */
  failover: Readonly<Record<string, unknown>> | null
}>

/** A discovery that knows the whole tree. */
export type TreeDiscovery = Discovery & Readonly<{tree(signal?: AbortSignal): Promise<Tree>}>

const member = record<Readonly<Record<string, unknown>>>([], {api_url: text, conn_url: text, role: text, state: text})

/**
 * `keys`: below the scope, without the slash before them: `leader`, `members/node1`. A value that is
 * not what Patroni writes is left out: `members` without `api_url` cannot be asked.
 */
export function treeOf(keys: ReadonlyMap<string, string>): Tree {
  const members = [...keys].flatMap(([key, value]): TreeMember[] => {
    if (!key.startsWith('members/')) return []
    const found = read(value, member)
    const name = key.slice('members/'.length)
    return found === null
      ? []
      : [{...found, name, ...(found.role !== undefined && {role: normalised(String(found.role))})}]
  })
  return {
    leader: keys.get('leader') ?? null,
    members: members.sort((one, other) => (one.name < other.name ? -1 : 1)),
    initialize: keys.get('initialize') ?? null,
    config: read(keys.get('config') ?? '', object) ?? {},
    failover: read(keys.get('failover') ?? '', object),
  }
}

/** `null`: not JSON, or not of this shape. */
function read<T>(value: string, reader: Reader<T>): T | null {
  try {
    return reader(JSON.parse(value), '')
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Mismatch) return null
    throw error
  }
}

export const addressesOf = ({members}: Tree): readonly MemberAddress[] =>
  members.flatMap(({name, api_url: api}) => {
    const url = toldUrl(api)
    return url === null ? [] : [{name, url}]
  })
