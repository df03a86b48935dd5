import type {Clock} from '../core/ports.ts'
import type {Verdict} from '../core/snapshot.ts'
import {ConnectorError} from './connector-error.ts'
import type {Emitter} from './events.ts'
import type {Fleet, ReaderQuestion} from './fleet.ts'
import {Lane, type Waiting} from './lane.ts'
import {outcomeOfRead, outcomeOfWrite} from './policy/outcome.ts'
import type {PoolSet} from './pools/pool-set.ts'
import {type DatabaseSettings, inWords} from './settings.ts'

export type ReadRequest = Waiting & ReaderQuestion & Readonly<{avoid: Set<string>}>
export type WriteRequest = Waiting

export type LanesDeps = Readonly<{
  fleet: Fleet
  pools: PoolSet
  settings: DatabaseSettings
  clock: Clock
  events: Emitter
}>

/** What decided, for an error. */
const ruling = (verdict: Verdict | null) =>
  verdict === null ? 'the group is no longer configured' : `${verdict.rule} ${verdict.kind}: ${verdict.why}`
const because = (cause: Error | null) => (cause === null ? '' : `; the latest attempt failed: ${cause.message}`)

export function writerLane({fleet, pools, settings, clock, events}: LanesDeps): Lane<WriteRequest> {
  const {maxWaiting} = settings.write
  const next = 'Read the verdict; the runbook of pgroute66 has a section for each. Nothing was sent.'
  return new Lane({
    clock,
    pools,
    connectMs: settings.pool.connectionTimeoutMillis,
    rules: {
      kind: 'write',
      pick: () => fleet.writer,
      isOffered: (host) => fleet.writer === host,
      failed(host, failed) {
        fleet.node(host).connectionErrors += 1
        return outcomeOfWrite(failed) === 'repeat' ? 'repeat' : 'pass-on'
      },
      tooMany(waiting) {
        if (waiting < maxWaiting) return null
        const verdict = fleet.verdictOrNull
        const message = `${maxWaiting} writes wait for a writer already (${ruling(verdict)})`
        return new ConnectorError('too-many-waiting', message, {
          verdict,
          next: `${next} write.maxWaiting is the limit.`,
        })
      },
      none(_request, waitedMs, cause) {
        const verdict = fleet.verdictOrNull
        const writer = fleet.writer
        const message =
          writer === null
            ? `no host may be written to (${ruling(verdict)}), also after ${inWords(waitedMs)}`
            : `${writer} may be written to, but gave no connection within ${inWords(waitedMs)}${because(cause)}`
        return new ConnectorError('no-writer', message, {verdict, host: writer, next, cause: cause ?? undefined})
      },
      waited: () => {},
      waiting: (count) => events.emit('waiting', {count}),
      news: () => fleet.snapshot,
      retry: (host, error, attempt) => events.emit('retry', {host, error, attempt, kind: 'write'}),
    },
  })
}

export function readerLane({fleet, pools, settings, clock, events}: LanesDeps): Lane<ReadRequest> {
  return new Lane({
    clock,
    pools,
    connectMs: settings.pool.connectionTimeoutMillis,
    rules: {
      kind: 'read',
      pick: (request) => fleet.reader(request),
      isOffered: (host, request) => fleet.isReadable(host, request),
      failed(host, failed, error, request) {
        fleet.node(host).connectionErrors += 1
        const outcome = outcomeOfRead(failed, 0)
        if (outcome === 'pass-on' || outcome === 'give-up') return 'pass-on'
        if (outcome === 'refused') {
          request.avoid.add(host)
          return 'elsewhere'
        }
        if (outcome === 'suspect') fleet.suspect(host, error)
        else request.avoid.add(host)
        return 'repeat'
      },
      // They wait for read.wait at most, and hold nothing meanwhile.
      tooMany: () => null,
      none(request, waitedMs, cause) {
        const verdict = fleet.verdictOrNull
        const from = request.from === null ? 'no host may serve this read' : `${request.from} may not serve this read`
        const message = `${from} (${ruling(verdict)}), also after ${inWords(waitedMs)}${because(cause)}`
        const next = 'Read the verdict; look at maxLag, location, fallback and drains of the hosts.'
        return new ConnectorError('no-reader', message, {verdict, host: request.from, next, cause: cause ?? undefined})
      },
      waited: ({avoid}) => avoid.clear(),
      waiting: () => {},
      news: () => fleet.snapshot,
      retry: (host, error, attempt) => events.emit('retry', {host, error, attempt, kind: 'read'}),
    },
  })
}
