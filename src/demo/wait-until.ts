const settleMs = 10

/**
 * Resolves once `isSo` is true. Polls, because PostgreSQL shows most things in files, tables and
 * process lists, which send no events. Rejects after `limitMs` with the text of the condition.
 */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs / 1000} s, but this did not become true: ${isSo}`)
    await new Promise((resolve) => setTimeout(resolve, settleMs))
  }
}
