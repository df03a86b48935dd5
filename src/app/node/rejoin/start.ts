/** `check --not-deposed`. What it needs is loaded when it is asked for: a check must start fast. */
export async function notDeposed(config: string | undefined): Promise<number> {
  const {runNotDeposed} = await import('./not-deposed.ts')
  return await runNotDeposed(config)
}
