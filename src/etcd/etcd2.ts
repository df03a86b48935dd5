import {Endpoints, type EtcdOptions} from './endpoints.ts'
import {EtcdError} from './error.ts'
import {parsed} from './key-value.ts'

/** A key of the v2 API. */
export type Node2 = Readonly<{
  key: string
  value: string
  modifiedIndex: number
  /** Seconds left; `null`: the key does not end. */
  ttl: number | null
}>

/** One key at one moment. `index`: of the store. `modifiedIndex`: `null`, there is no such key. */
export type Read2 = Readonly<{index: number; modifiedIndex: number | null}>

/**
 * What a request for the next change brought. `ended`: the server ended it without one. `cleared`:
 * etcd no longer has the changes since (it keeps the last 1,000): what was missed is not known.
 */
export type Waited2 = Readonly<
  | {kind: 'event'; modifiedIndex: number /** Another value, or the key has gone. */; isChange: boolean}
  | {kind: 'ended' | 'cleared'}
>

/**
 * etcd's v2 API, read only: etcd 2, and etcd 3 up to 3.5 (from 3.4 on with `--enable-v2`). 3.6 has
 * none.
 */
export class Etcd2 {
  readonly endpoints: Endpoints
  readonly #authorization: Readonly<Record<string, string>>

  /** Throws EtcdError on an address that is none. */
  constructor(options: EtcdOptions) {
    this.endpoints = new Endpoints(options)
    const {user, password = ''} = options
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    this.#authorization = user === undefined ? {} : {authorization: `Basic ${basic}`}
  }

  /**
   * The keys below `key`, read by the quorum; `null`: there is no such key. A directory without keys
   * is an empty list. Rejects with EtcdError.
   */
  list(key: string, signal?: AbortSignal): Promise<readonly Node2[] | null> {
    return this.endpoints
      .inTurn(async (origin) => {
        const question = this.#question(key, '?recursive=true&quorum=true')
        const {status, body} = await this.endpoints.askAt(origin, question, signal)
        if (status === 200) return leavesOf(parsed(body, origin), origin)
        throw status === 404 && isMissing(body) ? new Missing(origin) : refusalOf(origin, status, body)
      }, signal)
      .catch((error: unknown) => {
        if (error instanceof Missing) return null
        throw error
      })
  }

  /** By the quorum, of any endpoint. Rejects with EtcdError. */
  read(key: string, signal?: AbortSignal): Promise<Read2> {
    return this.endpoints.inTurn((origin) => this.readAt(origin, key, signal), signal)
  }

  async readAt(origin: string, key: string, signal?: AbortSignal): Promise<Read2> {
    const {status, headers, body} = await this.endpoints.askAt(origin, this.#question(key, '?quorum=true'), signal)
    const index = Number(headers['x-etcd-index'])
    const isThere = status === 200
    if (!isThere && !(status === 404 && isMissing(body))) throw refusalOf(origin, status, body)
    if (!Number.isSafeInteger(index)) throw new EtcdError('malformed', origin, `${origin} does not answer as etcd does`)
    return {index, modifiedIndex: isThere ? Number((parsed(body, origin) as {node?: Json}).node?.modifiedIndex) : null}
  }

  /** The first change of `key` at `index` or later; waits for it until `signal` aborts. Rejects with EtcdError. */
  async waitAt(origin: string, key: string, index: number, signal: AbortSignal): Promise<Waited2> {
    const question = this.#question(key, `?wait=true&waitIndex=${index}`)
    const {status, body} = await this.endpoints.askAt(origin, question, signal, foreverMs)
    if (status === 200) return eventOf(body, index, origin)
    if (status === 400 && codeIn(body) === 401) return {kind: 'cleared'}
    throw refusalOf(origin, status, body)
  }

  #question(key: string, query: string) {
    const parts = key.split('/').filter(Boolean)
    const path = `/v2/keys/${parts.map(encodeURIComponent).join('/')}${query}`
    return {path, method: 'GET', headers: {...this.#authorization}} as const
  }
}

/** A request for the next change has no limit of its own: who sent it watches over it. */
const foreverMs = 24 * 3_600_000

/** "Key not found" is etcd's own word: no other endpoint needs to be asked. */
class Missing extends EtcdError {
  constructor(origin: string) {
    super('refused', origin, 'no such key')
  }
}

/** Key not found. A server without the v2 API answers 404, too, in plain text. */
const isMissing = (body: string): boolean => codeIn(body) === 100

function codeIn(body: string): unknown {
  try {
    return (Object(JSON.parse(body)) as {errorCode?: unknown}).errorCode
  } catch {
    return null
  }
}

/** Patroni writes its key again in every loop: the same value is no change. */
function eventOf(body: string, index: number, origin: string): Waited2 {
  if (body.trim() === '') return {kind: 'ended'}
  const {node, prevNode} = Object(parsed(body, origin)) as {node?: Json; prevNode?: Json}
  const modifiedIndex = Number(node?.modifiedIndex)
  if (!Number.isSafeInteger(modifiedIndex) || modifiedIndex < index)
    throw new EtcdError('malformed', origin, `${origin} does not answer as etcd does`)
  return {kind: 'event', modifiedIndex, isChange: node?.value === undefined || node.value !== prevNode?.value}
}

function refusalOf(origin: string, status: number, body: string): EtcdError {
  if (status === 404) {
    const next = 'etcd 3.4 and 3.5 need --enable-v2, 3.6 has no v2 API'
    return new EtcdError('not-supported', origin, `etcd at ${origin} has no v2 API: ${next}`)
  }
  const text = `etcd at ${origin} answers ${status}: ${body.trim().slice(0, 200)}`
  if (status === 401 || status === 403) return new EtcdError('auth', origin, text)
  return new EtcdError(status >= 500 ? 'unreachable' : 'refused', origin, text)
}

type Json = Readonly<{key?: unknown; value?: unknown; nodes?: unknown; modifiedIndex?: unknown; ttl?: unknown}>

function leavesOf(json: unknown, origin: string): readonly Node2[] {
  const {node} = Object(json) as {node?: Json}
  if (node === undefined) throw new EtcdError('malformed', origin, `${origin} does not answer as etcd does`)
  const found: Node2[] = []
  // Not recursive: the depth is etcd's, or that of a server which is none.
  const waiting: Json[] = [node]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const {key, value, nodes, modifiedIndex, ttl} = next
    if (Array.isArray(nodes)) waiting.push(...nodes.map((one) => Object(one) as Json).reverse())
    else if (typeof key === 'string' && typeof value === 'string')
      found.push({key, value, modifiedIndex: Number(modifiedIndex), ttl: typeof ttl === 'number' ? ttl : null})
  }
  return found
}
