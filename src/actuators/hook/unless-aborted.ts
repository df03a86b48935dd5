import {onAbort} from '../../core/wait.ts'

/**
 * The result of `work`, or a rejection as soon as `signal` aborts. For work that cannot be
 * cancelled, such as reading a file on a disk that is gone.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const {promise, reject} = Promise.withResolvers<never>()
  const abort = () => reject(new Error('no answer in time'))
  const forget = onAbort(signal, abort)
  try {
    return await Promise.race([work, promise])
  } finally {
    forget()
  }
}
