import {type Answer, type OrderAnswer, outcomeOf, textOf} from './answer.ts'
import {type Cluster, readCluster} from './data/cluster.ts'
import {type DynamicConfig, readConfig} from './data/config.ts'
import {readHistory, type TimelineEntry} from './data/history.ts'
import {mapOf, type Reader, text} from './data/reader.ts'
import {readStatus, type Status} from './data/status.ts'
import {usageError} from './error.ts'
import {type HealthPath, type HealthQuery, healthPaths, healthTarget} from './health-path.ts'
import type {FailoverOrder, ReinitializeOrder, RestartOrder, SwitchoverOrder} from './orders.ts'
import {type Call, memberUrl, type Transport} from './transport.ts'

/** Milliseconds. */
export const limits = {read: 1_000, order: 10_000, switchover: 30_000, restart: 300_000} as const

/**
 * One member's REST API. Every call is one request, on a connection of its own, and resolves for
 * every status code; it rejects with PatroniError where no answer came, or a 2xx cannot be read.
 * A member that hangs keeps a thread for each request, also for one that was given up: ask one
 * question at a time.
 */
export class PatroniMember {
  readonly url: string
  readonly #transport: Transport
  readonly #readMs: number

  /** Throws PatroniError (`request`) on an address that is none. */
  constructor(url: string, transport: Transport, readMs: number = limits.read) {
    this.url = memberUrl(url)
    this.#transport = transport
    this.#readMs = readMs
  }

  /** A health check with its body: the status of the member comes with 503, too. */
  health(path: HealthPath, query: HealthQuery & Call = {}): Promise<Answer<Status>> {
    return this.#get(this.#health(path, query), readStatus, query)
  }

  /** A health check by its status code alone: 200? Patroni knows only the health checks by HEAD. */
  async head(path: HealthPath, query: HealthQuery & Call = {}): Promise<boolean> {
    const question = this.#question('HEAD', this.#health(path, query), query)
    return (await this.#transport.ask(question, null)).status === 200
  }

  status(call: Call = {}): Promise<Answer<Status>> {
    return this.#get('/patroni', readStatus, call)
  }

  cluster(call: Call = {}): Promise<Answer<Cluster>> {
    return this.#get('/cluster', readCluster, call)
  }

  history(call: Call = {}): Promise<Answer<readonly TimelineEntry[]>> {
    return this.#get('/history', readHistory, call)
  }

  config(call: Call = {}): Promise<Answer<DynamicConfig>> {
    return this.#get('/config', readConfig, call)
  }

  /** Prometheus' text. */
  metrics(call: Call = {}): Promise<Answer<string>> {
    return this.#get('/metrics', null, call)
  }

  /** Name → `api_url` of the members that failsafe mode counts. 502: failsafe mode was never on. */
  failsafe(call: Call = {}): Promise<Answer<Readonly<Record<string, string>>>> {
    return this.#get('/failsafe', mapOf(text), call)
  }

  /** Is Patroni's loop alive? By GET: HEAD answers 503 always. */
  async liveness(call: Call = {}): Promise<boolean> {
    return (await this.#get('/liveness', null, call)).status === 200
  }

  /** `lag` and `mode` (`apply`, `write`) count from 4.1 on. By GET: HEAD answers 503 always. */
  async readiness({
    lag,
    mode,
    ...call
  }: Readonly<{lag?: number | string; mode?: string}> & Call = {}): Promise<boolean> {
    const query = new URLSearchParams({...(lag !== undefined && {lag: String(lag)}), ...(mode !== undefined && {mode})})
    const target = query.size === 0 ? '/readiness' : `/readiness?${query}`
    return (await this.#get(target, null, call)).status === 200
  }

  /** Changes keys of the dynamic configuration; `null` removes a key. `data`: the whole configuration. */
  async patchConfig(patch: object, call: Call = {}): Promise<OrderAnswer & Answer<DynamicConfig>> {
    return this.#order('PATCH', '/config', {body: patch, call}, readConfig)
  }

  /** Replaces the dynamic configuration. `data`: the whole configuration. */
  putConfig(config: object, call: Call = {}): Promise<OrderAnswer & Answer<DynamicConfig>> {
    return this.#order('PUT', '/config', {body: config, call}, readConfig)
  }

  reload(call: Call = {}): Promise<OrderAnswer> {
    return this.#order('POST', '/reload', {body: {}, call})
  }

  /** Waits until PostgreSQL has restarted. */
  restart(order: RestartOrder = {}, call: Call = {}): Promise<OrderAnswer> {
    return this.#order('POST', '/restart', {body: order, call, limitMs: limits.restart})
  }

  cancelRestart(call: Call = {}): Promise<OrderAnswer> {
    return this.#order('DELETE', '/restart', {call})
  }

  /** Starts it; does not wait for the copy. */
  reinitialize(order: ReinitializeOrder = {}, call: Call = {}): Promise<OrderAnswer> {
    return this.#order('POST', '/reinitialize', {body: order, call})
  }

  /** Any member takes it. Patroni answers after 2 × max(10, loop_wait) s at the latest. */
  switchover(order: SwitchoverOrder, call: Call = {}): Promise<OrderAnswer> {
    return this.#order('POST', '/switchover', {body: order, call, limitMs: limits.switchover})
  }

  /** 404: no switchover is scheduled. */
  cancelSwitchover(call: Call = {}): Promise<OrderAnswer> {
    return this.#order('DELETE', '/switchover', {call})
  }

  /** For a cluster without a leader, too. */
  failover(order: FailoverOrder, call: Call = {}): Promise<OrderAnswer> {
    return this.#order('POST', '/failover', {body: order, call, limitMs: limits.switchover})
  }

  #health(path: HealthPath, query: HealthQuery): string {
    if (!healthPaths.includes(path)) throw usageError(`${JSON.stringify(path)} is no health check of Patroni`, this.url)
    return healthTarget(path, query)
  }

  #get<T>(target: string, read: Reader<T> | null, call: Call): Promise<Answer<T>> {
    return this.#transport.ask(this.#question('GET', target, call), read)
  }

  #question(method: 'GET' | 'HEAD', target: string, {timeoutMs = this.#readMs, signal}: Call) {
    return {url: this.url, target, method, timeoutMs, signal}
  }

  async #order<T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    target: string,
    {body, call, limitMs = limits.order}: Readonly<{body?: object; call: Call; limitMs?: number}>,
    read: Reader<T> | null = null,
  ): Promise<OrderAnswer & Answer<T>> {
    const {timeoutMs = limitMs, signal} = call
    const answer = await this.#transport.ask<T>({url: this.url, target, method, body, timeoutMs, signal}, read)
    const said = textOf(answer.raw)
    return {...answer, outcome: outcomeOf(answer.status, said), text: read === null || answer.data === null ? said : ''}
  }
}
