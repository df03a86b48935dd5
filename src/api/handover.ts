/**
 * A HAProxy that has not asked for a server for this time no longer asks for it. Several times
 * `inter`, which is 2 s by default.
 */
const forgetMs = 10_000
/** Servers of all HAProxies. The names come from requests, so a client could fill the memory. */
const maxServers = 10_000

/** One question of HAProxy for the server of a writer. `now`: monotonic milliseconds. */
export type HandoverQuestion = Readonly<{
  /** The HAProxy and its backend. */
  place: string
  host: string
  /** Hosts that must not be writers beside it. */
  others: readonly string[]
  /** The verdict routes to the host. */
  isRouted: boolean
  /** What the HAProxy says of the server, and of the others in the backend (`HaproxyServer`). */
  isUp: boolean
  isOtherUp: boolean | null
  now: number
}>

/** What the last question told of a server. `isRising`: the answer may bring it up. */
type Known = Readonly<{at: number; isUp: boolean; isRising: boolean; waitsSince: number | null}>

/**
 * HAProxy checks its servers one by one, and an answer may be late, so at a switch it may take the
 * "yes" for the successor before the "no" for the deposed writer. Two writers would then be up.
 * Hence the successor gets its "yes" once HAProxy says that no other writer is up.
 */
export class Handover {
  readonly #known = new Map<string, Known>()

  /** The server that has to go down first; `null`: none. Call it for every question. */
  blocker(question: HandoverQuestion): string | null {
    const {place, host, isRouted, isUp, now} = question
    const blocker = isRouted && !isUp ? this.#blocker(question) : null
    const isWaiting = blocker === unknownServer
    const waitsSince = isWaiting ? (this.#at(place, host, now)?.waitsSince ?? now) : null
    const isOverdue = waitsSince !== null && now - waitsSince > forgetMs
    const isYes = isRouted && (blocker === null || isOverdue)
    this.#keep(keyOf(place, host), {at: now, isUp, isRising: isYes && !isUp, waitsSince})
    return isOverdue ? null : blocker
  }

  #blocker({place, others, isOtherUp, now}: HandoverQuestion): string | null {
    const which = (isSo: (known: Known) => boolean) =>
      others.find((other) => {
        const known = this.#at(place, other, now)
        return known !== null && isSo(known)
      }) ?? null
    // Its "yes" may not have arrived when HAProxy told what is up.
    const rising = which(({isRising}) => isRising)
    if (rising !== null || isOtherUp === false) return rising
    const up = which((known) => known.isUp)
    // The daemon has just started, or the server is none of ours. For that one no host waits for ever.
    return up ?? (isOtherUp === null ? null : unknownServer)
  }

  #at(place: string, host: string, now: number): Known | null {
    const known = this.#known.get(keyOf(place, host))
    return known === undefined || now - known.at > forgetMs ? null : known
  }

  #keep(key: string, known: Known): void {
    // The map is in the order of the questions.
    this.#known.delete(key)
    this.#known.set(key, known)
    for (const [oldest, {at}] of this.#known) {
      if (known.at - at <= forgetMs && this.#known.size <= maxServers) break
      this.#known.delete(oldest)
    }
  }
}

const unknownServer = 'another server'
const keyOf = (place: string, host: string): string => `${place} ${host}`
