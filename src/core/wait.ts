import type {Clock} from './ports.ts'

/**
 * Runs `run` once when `signal` aborts, at once if it already has. The returned function takes the
 * listener off: signals outlive the calls they bound.
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) {
    run()
    return () => {}
  }
  signal.addEventListener('abort', run, {once: true})
  return () => signal.removeEventListener('abort', run)
}

/** Resolves after `ms`, or as soon as `signal` aborts; never rejects. */
export const sleep = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> => nap(clock, ms, signal).done

/** A sleep that the caller may end early by `wake`. */
export function nap(clock: Clock, ms: number, signal: AbortSignal): Readonly<{done: Promise<void>; wake: () => void}> {
  const {promise, resolve} = Promise.withResolvers<void>()
  let forget = () => {}
  const cancel = clock.after(ms, () => wake())
  const wake = () => {
    cancel()
    forget()
    resolve()
  }
  forget = onAbort(signal, wake)
  return {done: promise, wake}
}

/** Resolves with `work`, or after `ms` without it; rejects as `work` does. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const limit = new AbortController()
  try {
    await Promise.race([work, sleep(clock, ms, limit.signal)])
  } finally {
    limit.abort()
  }
}

/** A timer that fires later than this was held up by this process, which read no socket meanwhile. */
export const lateMs = 10

/**
 * Calls `run` after `ms`: a limit for something that a socket brings. A limit that fires late waits
 * for one more timer: timers run before sockets are read, and the answer may be waiting there.
 * (Seen: the loop was blocked for 1.5 s of a limit of 1 s. Without the second timer none of five
 * hosts had answered, with it all of them.) The returned function cancels.
 */
export function afterLimit(clock: Clock, ms: number, run: () => void): () => void {
  const due = clock.now() + ms
  let cancel = clock.after(ms, () => {
    if (clock.now() - due <= lateMs) run()
    else cancel = clock.after(1, run)
  })
  return () => cancel()
}

/**
 * A signal that aborts after `ms` (`afterLimit`) or with `parent`; disposing it frees the timer and
 * the listener.
 */
export function deadline(clock: Clock, ms: number, parent?: AbortSignal): Readonly<{signal: AbortSignal}> & Disposable {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const cancel = afterLimit(clock, ms, abort)
  const forget = parent && onAbort(parent, abort)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      cancel()
      forget?.()
    },
  }
}
