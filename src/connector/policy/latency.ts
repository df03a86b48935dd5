/** How long statements take on one host. */
export type Latency = Readonly<{ms: number; at: number}>

/** One of ten statements' worth of news in each sample. */
const weight = 0.1
/**
 * An average that is older is not used: a host that is shunned for one slow moment has to be tried
 * again.
 */
const memoryMs = 10_000

/** The average with one more statement, which succeeded. Failures are fast, and do not count. */
export const withSample = (latency: Latency | null, ms: number, now: number): Latency =>
  latency === null || now - latency.at > memoryMs
    ? {ms, at: now}
    : {ms: latency.ms + weight * (ms - latency.ms), at: now}

/** `null`: not measured, or too long ago. */
export const latencyMs = (latency: Latency | null, now: number): number | null =>
  latency === null || now - latency.at > memoryMs ? null : latency.ms
