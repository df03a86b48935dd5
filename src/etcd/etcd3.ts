import {Endpoints, type EtcdOptions} from './endpoints.ts'
import {EtcdError, isAboutUser} from './error.ts'
import {encoded, type LeaseTime, leaseTimeOf, parsed, prefixEnd, type RangeAnswer, rangeOf} from './key-value.ts'

/** `/v3` (3.4 and later), or `/v3beta` (3.3), where the path of leases differs. */
export type Gateway = Readonly<{root: '/v3' | '/v3beta'; lease: string}>

/**
 * etcd's v3 API by its JSON gateway, read only: etcd3-writer.ts writes. Every read is linearizable: it
 * costs the quorum one round trip.
 */
export class Etcd3 {
  readonly endpoints: Endpoints
  readonly #user: Readonly<{name: string; password: string}> | null
  readonly #gateways = new Map<string, Gateway>()
  #token: string | null = null

  /** Throws EtcdError on an address that is none. */
  constructor(options: EtcdOptions) {
    this.endpoints = new Endpoints(options)
    const {user, password = ''} = options
    this.#user = user === undefined ? null : {name: user, password}
  }

  /** One key, or all that begin with `key` (`isPrefix`). Rejects with EtcdError. */
  range(
    key: string,
    {isPrefix = false, signal}: Readonly<{isPrefix?: boolean; signal?: AbortSignal | undefined}> = {},
  ) {
    return this.endpoints.inTurn((origin) => this.rangeAt(origin, key, {isPrefix, signal}), signal)
  }

  async rangeAt(
    origin: string,
    key: string,
    {
      isPrefix,
      newest = false,
      signal,
    }: Readonly<{isPrefix: boolean; newest?: boolean; signal?: AbortSignal | undefined}>,
  ): Promise<RangeAnswer> {
    // The key that changed last, without its value.
    const order = newest ? {sort_order: 'DESCEND', sort_target: 'MOD', limit: '1', keys_only: true} : {}
    const body = {key: encoded(key), ...(isPrefix && {range_end: prefixEnd(key)}), ...order}
    return rangeOf(await this.post(origin, ({root}) => `${root}/kv/range`, body, signal), origin)
  }

  /** Of the lease that `KeyValue.lease` names. */
  leaseTime(lease: string, signal?: AbortSignal): Promise<LeaseTime> {
    const ask = async (origin: string) =>
      leaseTimeOf(await this.post(origin, (gateway) => gateway.lease, {ID: lease}, signal), origin)
    return this.endpoints.inTurn(ask, signal)
  }

  /** What a watch is opened with. Rejects with EtcdError. */
  async watchRequest(origin: string, prefix: string, startRevision: bigint, signal: AbortSignal) {
    const {root} = await this.#gateway(origin, signal)
    const create = {key: encoded(prefix), range_end: prefixEnd(prefix), start_revision: String(startRevision)}
    const headers = {'content-type': 'application/json', ...(await this.#authorization(origin, signal))}
    return {path: `${root}/watch`, headers, body: JSON.stringify({create_request: create})}
  }

  /** etcd's tokens end after five minutes without use. */
  forgetToken(): void {
    this.#token = null
  }

  /** The JSON of an answer. Rejects with EtcdError. */
  async post(origin: string, path: (gateway: Gateway) => string, body: object, signal?: AbortSignal): Promise<unknown> {
    return parsed(await this.postForText(origin, path, body, signal), origin)
  }

  /** As `post`, for an answer that is more than one JSON. */
  async postForText(
    origin: string,
    path: (gateway: Gateway) => string,
    body: object,
    signal?: AbortSignal,
  ): Promise<string> {
    const target = path(await this.#gateway(origin, signal))
    const send = async () => {
      const headers = {'content-type': 'application/json', ...(await this.#authorization(origin, signal))}
      return this.endpoints.askAt(origin, {path: target, method: 'POST', headers, body: JSON.stringify(body)}, signal)
    }
    let answer = await send()
    if (isTokenRefused(answer) && this.#user !== null) {
      this.forgetToken()
      answer = await send()
    }
    if (answer.status === 200) return answer.body
    throw refusalOf(origin, answer)
  }

  async #gateway(origin: string, signal?: AbortSignal): Promise<Gateway> {
    const known = this.#gateways.get(origin)
    if (known !== undefined) return known
    const {status, body} = await this.endpoints.askAt(origin, {path: '/version', method: 'GET'}, signal)
    const version = status === 200 ? versionIn(parsed(body, origin)) : null
    if (version === null) throw new EtcdError('malformed', origin, `${origin} does not answer as etcd does: no version`)
    const gateway = gatewayOf(version)
    if (gateway === null)
      throw new EtcdError(
        'not-supported',
        origin,
        `etcd ${version} at ${origin} has no v3 gateway: 3.3 or newer has one`,
      )
    this.#gateways.set(origin, gateway)
    return gateway
  }

  async #authorization(origin: string, signal?: AbortSignal): Promise<Record<string, string>> {
    const user = this.#user
    if (user === null) return {}
    this.#token ??= await this.#authenticate(origin, user, signal)
    return this.#token === '' ? {} : {authorization: this.#token}
  }

  /** `''`: authentication is not enabled. */
  async #authenticate(origin: string, user: object, signal?: AbortSignal): Promise<string> {
    const {root} = await this.#gateway(origin, signal)
    const question = {path: `${root}/auth/authenticate`, method: 'POST', body: JSON.stringify(user)} as const
    const answer = await this.endpoints.askAt(origin, question, signal)
    const {token, code} = objectIn(answer.body)
    if (answer.status === 200 && typeof token === 'string') return token
    // FailedPrecondition: authentication is not enabled.
    if (code === 9) return ''
    throw refusalOf(origin, answer)
  }
}

const gatewayOf = (version: string): Gateway | null => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 3 || (major === 3 && minor >= 4)) return {root: '/v3', lease: '/v3/lease/timetolive'}
  return major === 3 && minor === 3 ? {root: '/v3beta', lease: '/v3beta/kv/lease/timetolive'} : null
}

const versionIn = (json: unknown): string | null => {
  const {etcdserver} = Object(json) as {etcdserver?: unknown}
  return typeof etcdserver === 'string' && /^\d+\.\d+/.test(etcdserver) ? etcdserver : null
}

function objectIn(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** gRPC's codes, as the gateway tells them beside the HTTP status. */
const unauthenticated = 16
const isTokenRefused = ({status, body}: Readonly<{status: number; body: string}>) =>
  status === 401 || objectIn(body).code === unauthenticated || body.includes('revision of auth store is old')

function refusalOf(origin: string, {status, body}: Readonly<{status: number; body: string}>): EtcdError {
  const {error, message, code} = objectIn(body)
  const text = String(error ?? message ?? `answers ${status}: ${body.trim()}`).slice(0, 500)
  const isAuth = status === 401 || status === 403 || code === unauthenticated || code === 7 || isAboutUser(text)
  // Unavailable and DeadlineExceeded: this endpoint has no leader; another one may have.
  const isElsewhere = status >= 500 && !isAuth
  return new EtcdError(isAuth ? 'auth' : isElsewhere ? 'unreachable' : 'refused', origin, `etcd at ${origin}: ${text}`)
}
