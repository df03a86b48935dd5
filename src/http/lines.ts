import {Client} from 'undici'
import type {Clock} from '../core/ports.ts'
import {deadline, onAbort} from '../core/wait.ts'
import type {Connector, Dialing} from './connector.ts'
import {type FailureReason, reasonOf} from './failure-reason.ts'

export type LinesRequest = Readonly<{
  origin: string
  path: string
  headers?: Readonly<Record<string, string>>
  body: string
  /** Until the status line has come; afterwards the answer may take as long as it likes. */
  timeoutMs: number
  /** A longer line ends the exchange. */
  maxLineBytes: number
  signal: AbortSignal
}>

/** `status`: of the answer; `null`: none came. `reason`: `null`: the server ended its answer. */
export type LinesEnd = Readonly<{status: number | null; reason: FailureReason | null; detail: string}>

/**
 * One POST whose answer never ends by itself: `onLine` gets each line of it as it comes, whatever the
 * status code. Resolves once at the end; never rejects. `onLine` may abort the signal.
 */
export function lines(
  {clock, connector}: Readonly<{clock: Clock; connector: Connector}>,
  {origin, path, headers = {}, body, timeoutMs, maxLineBytes, signal}: LinesRequest,
  onLine: (line: string) => void,
): Promise<LinesEnd> {
  const dialing: Dialing = {socket: null}
  const connect = connector.dial(dialing)
  const client = new Client(origin, {connect, headersTimeout: 0, bodyTimeout: 0})
  const {promise, resolve} = Promise.withResolvers<LinesEnd>()
  const decoder = new TextDecoder()
  const start = deadline(clock, timeoutMs)
  let status: number | null = null
  let rest = ''
  let isOver = false

  const end = (reason: FailureReason | null, detail: string) => {
    if (isOver) return
    isOver = true
    for (const forget of forgets) forget()
    start[Symbol.dispose]()
    dialing.socket?.destroy(new Error('the exchange has ended'))
    client.destroy().catch(() => {})
    resolve({status, reason, detail})
  }
  const forgets: (() => void)[] = []
  forgets.push(onAbort(signal, () => end('aborted', 'the caller ended the request')))
  forgets.push(onAbort(start.signal, () => end('timeout', `no answer within ${timeoutMs} ms`)))
  if (signal.aborted) return promise

  client.dispatch(
    {path, method: 'POST', headers, body, reset: true},
    {
      onRequestStart(controller) {
        if (isOver) controller.abort(new Error('too late'))
      },
      onResponseStart(_, code) {
        status = code
        start[Symbol.dispose]()
      },
      onResponseData(_, chunk) {
        const parts = (rest + decoder.decode(chunk, {stream: true})).split('\n')
        rest = parts.pop() ?? ''
        for (const line of parts) if (!isOver && line.trim() !== '') onLine(line)
        if (rest.length > maxLineBytes) end('too-large', `a line has more than ${maxLineBytes} bytes`)
      },
      onResponseEnd() {
        if (!isOver && rest.trim() !== '') onLine(rest)
        end(null, 'the server ended its answer')
      },
      onResponseError: (_, error) => end(reasonOf(error), error.message),
    },
  )
  return promise
}
