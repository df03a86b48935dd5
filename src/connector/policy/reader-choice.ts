import type {Random} from '../../core/ports.ts'

/** A host that may serve a read, and how busy this process keeps it. */
export type Candidate = Readonly<{
  name: string
  location: string | null
  /** Statements of this process that run there, or wait for a connection. */
  inFlight: number
  /** A moving average; `null`: not measured yet, or too long ago. */
  latencyMs: number | null
}>

export type Choice = 'least-busy' | 'random' | 'fastest'

/**
 * The host for the next read; `null`: there is none. Hosts at `location` come first, where there is
 * one. `least-busy`: the fewest statements in flight, by chance among equals. `fastest`: the better
 * of two by chance, by statements in flight times latency. The lowest latency alone would send all
 * reads to one host.
 */
export function chooseReader(
  candidates: readonly Candidate[],
  {choose, location, random}: Readonly<{choose: Choice; location: string | null; random: Random}>,
): string | null {
  const near = nearest(candidates, location)
  const any = (among: readonly Candidate[]) => among[Math.floor(random() * among.length)]
  if (choose === 'random') return any(near)?.name ?? null
  if (choose === 'fastest') {
    const one = any(near)
    const other = any(near.filter((candidate) => candidate !== one)) ?? one
    return (one && other && costOf(other) < costOf(one) ? other : one)?.name ?? null
  }
  const least = Math.min(...near.map(({inFlight}) => inFlight))
  return any(near.filter(({inFlight}) => inFlight === least))?.name ?? null
}

/** Those at `location`; all of them where none is there. */
export function nearest<T extends Readonly<{location: string | null}>>(
  candidates: readonly T[],
  location: string | null,
): readonly T[] {
  if (location === null) return candidates
  const near = candidates.filter((candidate) => candidate.location === location)
  return near.length > 0 ? near : candidates
}

/** A host that was not measured costs least, so that it is measured. */
const costOf = ({inFlight, latencyMs}: Candidate) => (inFlight + 1) * (latencyMs ?? 0)
