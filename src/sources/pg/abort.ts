/**
 * Runs `run` once when `signal` aborts, at once if it already has. The returned function forgets
 * it: signals outlive the calls they bound.
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) {
    run()
    return () => undefined
  }
  signal.addEventListener('abort', run, {once: true})
  return () => signal.removeEventListener('abort', run)
}
