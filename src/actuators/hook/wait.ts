import type {Clock} from '../../core/ports.ts'

/** Resolves after `ms`, or as soon as `signal` aborts; never rejects. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const {promise, resolve} = Promise.withResolvers<void>()
  const cancel = clock.after(ms, () => wake())
  const wake = () => {
    cancel()
    signal.removeEventListener('abort', wake)
    resolve()
  }
  signal.addEventListener('abort', wake, {once: true})
  return promise
}

/** What `work` comes to, or a rejection as soon as `signal` aborts: for work that nobody can cancel, such as a file on a disk that is gone. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const {promise, reject} = Promise.withResolvers<never>()
  const abort = () => reject(new Error('no answer in time'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, {once: true})
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** A signal that aborts after `ms` or with `parent`; disposing it frees the timer and the listener. */
export function timeLimit(clock: Clock, ms: number, parent: AbortSignal): Readonly<{signal: AbortSignal}> & Disposable {
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
