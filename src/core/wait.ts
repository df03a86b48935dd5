import type {Clock} from './ports.ts'

/** Resolves after `ms`, or as soon as `signal` aborts; never rejects. */
export const sleep = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> => nap(clock, ms, signal).done

/** A sleep that somebody may end early by `wake`. */
export function nap(clock: Clock, ms: number, signal: AbortSignal): Readonly<{done: Promise<void>; wake: () => void}> {
  const {promise, resolve} = Promise.withResolvers<void>()
  const cancel = clock.after(ms, () => wake())
  const wake = () => {
    cancel()
    signal.removeEventListener('abort', wake)
    resolve()
  }
  if (signal.aborted) wake()
  else signal.addEventListener('abort', wake, {once: true})
  return {done: promise, wake}
}

/**
 * A signal that aborts after `ms` or with `parent`; disposing it frees the timer and the listener.
 */
export function deadline(clock: Clock, ms: number, parent: AbortSignal): Readonly<{signal: AbortSignal}> & Disposable {
  const controller = new AbortController()
  const abort = () => controller.abort()
  if (parent.aborted) abort()
  const cancel = clock.after(ms, abort)
  parent.addEventListener('abort', abort, {once: true})
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      cancel()
      parent.removeEventListener('abort', abort)
    },
  }
}
