import {isIPv6} from 'node:net'
import type {Clock} from '../../core/ports.ts'

/** Refusals without a delay: an operator mistypes. */
const free = 3
const firstMs = 250
const longestMs = 8_000
/** A source without a refusal for this long starts again at no delay. */
const forgetMs = 5 * 60_000
/** Requests of one source that wait at the same time. */
const mostWaiting = 8
/** Sources that are remembered. */
const mostSources = 1_000

/**
 * Slows down a client that sends one unauthorised order after the other. Its requests, right or wrong,
 * are let in one at a time: after three refusals one each 250 ms, doubling up to 8 s.
 */
export class RefusalDelay {
  readonly #clock: Clock
  /** In order of their last refusal. */
  readonly #sources = new Map<string, Source>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Resolves when this source may ask; to `false`, at once, when too many of its requests wait.
   * `source`: as `sourceOf` writes it.
   */
  async turn(source: string): Promise<boolean> {
    const found = this.#sources.get(source)
    const now = this.#clock.now()
    if (found === undefined || found.refusals < free || now - found.refusedAt > forgetMs) return true
    if (found.waiting >= mostWaiting) return false
    const dueAt = Math.max(now, found.nextAt)
    found.nextAt = dueAt + delayMs(found.refusals)
    found.waiting += 1
    await new Promise<void>((resolve) => void this.#clock.after(dueAt - now, resolve))
    found.waiting -= 1
    return true
  }

  refused(source: string): void {
    const now = this.#clock.now()
    const found = this.#sources.get(source)
    const isRecent = found !== undefined && now - found.refusedAt <= forgetMs
    const refusals = (isRecent ? found.refusals : 0) + 1
    const nextAt = Math.max(found?.nextAt ?? 0, now + delayMs(refusals))
    this.#sources.delete(source)
    this.#sources.set(source, Object.assign(found ?? {waiting: 0}, {refusals, refusedAt: now, nextAt}))
    const [oldest] = this.#sources.keys()
    if (this.#sources.size > mostSources && oldest !== undefined) this.#sources.delete(oldest)
  }
}

/** Changes in place: a request that waits holds it. */
type Source = {refusals: number; refusedAt: number; nextAt: number; waiting: number}

const delayMs = (refusals: number): number =>
  refusals < free ? 0 : Math.min(longestMs, firstMs * 2 ** Math.min(refusals - free, 10))

/**
 * Who sends, for counting: an address. A client has a whole /64 of IPv6. `remoteAddress` undefined: a
 * unix socket.
 */
export function sourceOf(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return 'the unix socket'
  const plain = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '')
  if (!isIPv6(plain)) return plain
  const [head = '', tail = ''] = plain.split('%')[0]?.split('::') ?? []
  const [first, last] = [head, tail].map((part) => part.split(':').filter(Boolean)) as [string[], string[]]
  const middle = plain.includes('::') ? Array<string>(8 - first.length - last.length).fill('0') : []
  return `${[...first, ...middle, ...last].slice(0, 4).join(':')}::/64`
}
