import type {Cause, Role} from '../core/vocabulary.ts'

/** One host as a peer sees it. */
export type ViewedHost = Readonly<{
  name: string
  address: string
  port: number
  systemIdentifier: string | null
  role: Role
  /** The peer's own word, which a later version may have more of; `null`: none. */
  cause: Cause | string | null
  timeline: number | null
  /** Age of the question behind `role`, as of the peer's answer; `null`: not asked yet. */
  askedMsAgo: number | null
}>

/** What a peer sees of a group by its own SQL (`GET /v1/view`). */
export type PeerView = Readonly<{
  epoch: string
  machineId: string | null
  group: string
  hosts: readonly ViewedHost[]
  /** It is a guard, and says that its gate is shut for writers and not about to open. */
  isShut: boolean
}>

/**
 * The body of `GET /v1/view`. Throws SyntaxError on anything else than a view of schema 1, and on one that
 * contradicts itself or has no host: a daemon that watches nothing has nothing to say.
 */
export function viewFromWire(json: unknown): PeerView {
  const wire = fieldsOf(json)
  if (wire.schema !== 1)
    throw new SyntaxError(`it sent schema ${JSON.stringify(wire.schema ?? null)}, and this version reads schema 1`)
  const hosts = Object.entries(fieldsOf(wire.hosts)).map(([name, host]) => hostFrom(name, fieldsOf(host)))
  if (hosts.length === 0) throw new SyntaxError('it watches no host')
  const machineId = wire.machine_id === null ? null : textOf(wire.machine_id, 'machine_id')
  const [epoch, group] = [textOf(wire.epoch, 'epoch'), textOf(wire.group, 'group')]
  return {epoch, machineId, group, hosts, isShut: wire.gate === 'shut'}
}

function hostFrom(name: string, wire: Readonly<Record<string, unknown>>): ViewedHost {
  const {role, timeline, asked_ms_ago: askedMsAgo, system_identifier: systemIdentifier, cause} = wire
  if (role !== 'primary' && role !== 'standby' && role !== 'unavailable') throw odd('role', role)
  if (timeline !== null && !isCount(timeline)) throw odd('timeline', timeline)
  if (askedMsAgo !== null && !(typeof askedMsAgo === 'number' && askedMsAgo >= 0)) throw odd('asked_ms_ago', askedMsAgo)
  // A role without a question behind it would never grow old.
  if (askedMsAgo === null && role !== 'unavailable') throw odd('asked_ms_ago', askedMsAgo)
  if (!isCount(wire.port) || wire.port > 65_535) throw odd('port', wire.port)
  return {
    name,
    address: textOf(wire.address, 'address'),
    port: wire.port,
    systemIdentifier: systemIdentifier === null ? null : textOf(systemIdentifier, 'system_identifier'),
    role,
    cause: cause === null ? null : textOf(cause, 'cause'),
    timeline,
    askedMsAgo,
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0

/** Longer than any name, address or identifier. */
const longest = 256

function textOf(value: unknown, key: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= longest) return value
  throw odd(key, value)
}

const odd = (key: string, value: unknown) =>
  new SyntaxError(`it sent ${key} ${String(JSON.stringify(value ?? null)).slice(0, 40)}`)

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new SyntaxError('it sent something else than a view')
}
