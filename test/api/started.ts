import {mkdtempSync, rmSync} from 'node:fs'
import {request as httpRequest, type IncomingMessage} from 'node:http'
import {request as httpsRequest, type RequestOptions} from 'node:https'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createMetrics} from '../../src/api/metrics.ts'
import {type Api, type ApiDeps, startApi} from '../../src/api/server.ts'
import type {Config} from '../../src/config/config.ts'
import {OperatorError} from '../../src/core/errors.ts'
import {UnknownAddresses} from '../../src/core/offers/unknown-addresses.ts'
import type {Change} from '../../src/core/snapshot.ts'
import {type FakeSource, fakeSource, keptLog, realClock} from '../support/fake-source.ts'
import type {SnapshotDraft} from '../support/snapshots.ts'

/** The defaults of a configuration without any key. */
export const plainConfig: Config = {
  profile: 'normal',
  hosts: [],
  groups: [],
  probe: {
    intervalMs: 1_000,
    fastIntervalMs: 100,
    timeoutMs: 1_000,
    connectTimeoutMs: 3_000,
    maxAgeMs: 3_000,
    knockIntervalMs: 5_000,
    loggedKnockIntervalMs: 10_000,
    pingIntervalMs: 200,
    fastPingIntervalMs: 20,
    pingTimeoutMs: 500,
  },
  followers: {maxAgeMs: 3_000, nudge: true},
  availability: null,
  stateDir: null,
  path: null,
  bind: '127.0.0.1',
  port: 0,
  ssl: null,
  socket: null,
  socketGroup: null,
  controlSocket: null,
  tokensFile: null,
  local: null,
  localApi: null,
  grpc: null,
  guard: null,
  rejoin: null,
  log: {level: 'info', format: 'text', file: null},
  v1Format: 'documented',
  check: {timeoutMs: 2_000},
  haproxy: {backends: {}, frontends: {}, instances: [], resyncMs: 1_000},
  agent: null,
  pgbouncer: [],
  hooks: [],
  cluster: null,
  learned: null,
  warnings: [],
}

export interface Started extends AsyncDisposable {
  readonly api: Api
  readonly source: FakeSource
  readonly log: ReturnType<typeof keptLog>
  readonly url: string
  readonly accepted: readonly object[]
  /** What the API published by itself. */
  readonly announced: readonly Change[]
  ask(path: string, options?: RequestOptions & {body?: string}): Promise<Answered>
}
export type Answered = Readonly<{status: number; body: string; headers: IncomingMessage['headers']}>

export async function started(
  draft: SnapshotDraft,
  config: Partial<Config> = {},
  deps: Partial<ApiDeps> = {},
): Promise<Started> {
  const source = fakeSource(draft)
  const log = keptLog()
  const accepted: object[] = []
  const announced: Change[] = []
  const clock = realClock()
  const api = await startApi({
    config: {...plainConfig, ...config},
    source,
    orders: {
      async accept(host, who) {
        accepted.push({host, ...who})
        return `${host} is the primary`
      },
      async drain(host, who) {
        if (host === 'host9') throw new OperatorError('UNKNOWN_HOST', 'there is no such host', 'name one')
        accepted.push({drain: host, ...who})
        return `${host} is drained`
      },
      async resume(host, who) {
        accepted.push({resume: host, ...who})
        return `${host} is in rotation`
      },
      async poke(host) {
        if (host === 'host9') throw new OperatorError('UNKNOWN_HOST', 'there is no such host', 'name one')
        return {role: 'standby', cause: null, done: `${host} is a standby`}
      },
      async maintain(wish, who) {
        accepted.push({...wish, ...who})
        return 'done'
      },
    },
    holds: {
      hold: (request, who) => void accepted.push({...request, ...who}),
      release: (id) => void accepted.push({release: id}),
    },
    clock,
    log,
    announce: (changes) => announced.push(...changes),
    pastChanges: () => [],
    metrics: createMetrics('0.1.0', clock.wall),
    unknownAddresses: new UnknownAddresses({log, count: () => {}}),
    machineId: 'b1946ac92492d2347c6235b4d2611184',
    version: '0.1.0',
    env: {},
    announceMs: 0,
    ...deps,
  })
  const [url = ''] = api.addresses
  return {
    api,
    source,
    log,
    url,
    accepted,
    announced,
    ask: (path, options) => ask(url, path, options),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  }
}

/** One request on a new connection. */
export function ask(
  url: string,
  path: string,
  {body, ...options}: RequestOptions & {body?: string} = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const where = url.startsWith('/') ? {socketPath: url} : {host: new URL(url).hostname, port: new URL(url).port}
    const send = url.startsWith('https') ? httpsRequest : httpRequest
    const request = send({...where, path, agent: false, ...options}, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers}),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** A new folder with a path short enough for sockets. */
export function folder(parent = `${tmpdir()}/`): Disposable & {readonly path: string; at(name: string): string} {
  const path = mkdtempSync(join(parent, 'pgr66-'))
  return {path, at: (name) => join(path, name), [Symbol.dispose]: () => rmSync(path, {recursive: true, force: true})}
}
