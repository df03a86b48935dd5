const settleMs = 10

/**
 * Polls: PostgreSQL announces most things in files, tables and process lists, which send no events.
 * Rejects when it does not become so in time, and then names what was waited for.
 */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs / 1000} s in vain until ${isSo}`)
    await new Promise((resolve) => setTimeout(resolve, settleMs))
  }
}
