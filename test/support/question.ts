/** A question that settles once: by an answer, or soon after `signal` aborts. */
export function question<T>(signal: AbortSignal, late: T, ask: (settle: (answer: T) => void) => void): Promise<T> {
  const {promise, resolve} = Promise.withResolvers<T>()
  const abort = () => resolve(late)
  const settle = (answer: T) => {
    signal.removeEventListener('abort', abort)
    resolve(answer)
  }
  if (signal.aborted) abort()
  else {
    signal.addEventListener('abort', abort, {once: true})
    ask(settle)
  }
  return promise
}
