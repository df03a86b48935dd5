/**
 * Asks until the answer is as wanted. Ends before the test's own limit, which would not stop the
 * loop and would not show the last answer.
 */
export async function until<T>(ask: () => Promise<T> | T, is: (value: T) => boolean, limitMs = 50_000): Promise<T> {
  const end = performance.now() + limitMs
  for (;;) {
    const value = await ask()
    if (is(value)) return value
    if (performance.now() > end)
      throw new Error(`waited ${limitMs / 1000} s until ${is}; the last answer: ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
