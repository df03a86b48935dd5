import {setImmediate as turnOfOthers} from 'node:timers/promises'
import type {Registry} from 'prom-client'

/** Milliseconds of work after which everything else gets its turn. */
const pieceMs = 2

/**
 * The text of all metrics, made in pieces: a thousand hosts delay nothing else. One scrape is made at a time,
 * because the metrics are shared.
 */
export class Scrapes {
  readonly #kept: Registry
  readonly #filled: Registry
  #last: Promise<unknown> = Promise.resolve()

  /** `kept`: counts as things happen. `filled`: empty between two scrapes. */
  constructor(kept: Registry, filled: Registry) {
    this.#kept = kept
    this.#filled = filled
  }

  /** `fill` sets the metrics of `filled`, and yields where they are many: they are written out and emptied. */
  text(fill: () => Iterable<void>): Promise<string> {
    const text = this.#last.then(() => this.#made(fill))
    this.#last = text.catch(() => {})
    return text
  }

  async #made(fill: () => Iterable<void>): Promise<string> {
    const rest = restAfter(pieceMs)
    const families = new Map<string, string>()
    const add = async (registry: Registry) => {
      for (const {name} of registry.getMetricsAsArray()) {
        const text = await registry.getSingleMetricAsString(name)
        const known = families.get(name)
        families.set(name, known === undefined ? text : known + withoutHead(text))
        await rest()
      }
    }
    for (const _ of fill()) {
      await add(this.#filled)
      this.#filled.resetMetrics()
    }
    await add(this.#kept)
    return `${[...families.values()].join('\n\n')}\n`
  }
}

/** What comes after the lines HELP and TYPE, with the newline before it. */
function withoutHead(text: string): string {
  const begin = text.indexOf('\n', text.indexOf('\n') + 1)
  return begin === -1 ? '' : text.slice(begin)
}

function restAfter(ms: number): () => Promise<void> {
  let begun = performance.now()
  return async () => {
    if (performance.now() - begun < ms) return
    await turnOfOthers()
    begun = performance.now()
  }
}
