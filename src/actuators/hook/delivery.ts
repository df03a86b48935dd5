import type {HookEvent} from './event.ts'

/**
 * The result of one try. `problem` appears in the log and in /v1/snapshot, which every client of the
 * port may read. It says what to do, and holds neither the path of a webhook nor the output of a
 * command. `details`: for the log only.
 */
export type Delivery =
  | Readonly<{kind: 'delivered'; problem: string | null}>
  | Readonly<{
      kind: 'failed'
      problem: string
      details: object
      /** Another try would fail as well. */
      isFinal: boolean
      /** The wait that the receiver asked for. */
      askedMs: number | null
    }>

/** One try. Resolves soon after `signal` aborts (time limit, or stop of the daemon); never rejects. */
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
