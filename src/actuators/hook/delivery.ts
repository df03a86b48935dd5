import type {HookEvent} from './event.ts'

/**
 * What one try came to. `problem` is shown in the log and in /v1/snapshot, which anybody may read
 * who reaches the port: it says what to do, and holds neither the path of a webhook nor what a
 * command printed. `details`: for the log alone.
 */
export type Delivery =
  | Readonly<{kind: 'delivered'; problem: string | null}>
  | Readonly<{
      kind: 'failed'
      problem: string
      details: object
      /** Asking again changes nothing. */
      isFinal: boolean
      /** What the receiver asked for. */
      askedMs: number | null
    }>

/**
 * One try. Resolves soon after `signal` aborts - which it does with the time limit, and with a stop
 * - and never rejects.
 */
export type Deliver = (event: HookEvent, signal: AbortSignal) => Promise<Delivery>

export const delivered: Delivery = {kind: 'delivered', problem: null}
export const failed = (
  problem: string,
  {
    details = {},
    isFinal = false,
    askedMs = null,
  }: Readonly<{details?: object; isFinal?: boolean; askedMs?: number | null}> = {},
): Delivery => ({kind: 'failed', problem, details, isFinal, askedMs})

export const inSeconds = (ms: number): string => `${Math.round(ms) / 1000} s`
