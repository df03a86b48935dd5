/** When another program changed the block: monotonic times. */
export type Rewrites = readonly number[]

/** For so long a change by another program is remembered. */
const memoryMs = 600_000
/** The block is put back so often; after that, the guard only denies. */
const patience = 2

export const rewritten = (rewrites: Rewrites, now: number): Rewrites => [...recent(rewrites, now), now]

/** Who fights over the file with the guard may win in the moment that counts: then nothing is allowed. */
export const isContested = (rewrites: Rewrites, now: number): boolean => recent(rewrites, now).length > patience

const recent = (rewrites: Rewrites, now: number): Rewrites => rewrites.filter((at) => now - at < memoryMs)
