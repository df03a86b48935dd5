import {ownSources} from '../core/evidence/evidence.ts'
import {type EvidenceSource, type GroupSource, type Sources, sourcesByName} from '../core/evidence/evidence-source.ts'
import type {MonitorSettings} from '../core/settings.ts'

/**
 * Makes the external sources for these settings. Called at the start and at each reload: a source
 * that is returned again stays subscribed, one that is no longer returned is disposed of.
 */
export type SourcesFor = (settings: MonitorSettings) => readonly GroupSource[]

/**
 * Keeps the sources of evidence of each group: `majority` and `followers` for all, external ones
 * where they belong. It passes on which group a source has news for.
 */
export class EvidenceDesk implements AsyncDisposable {
  readonly #sourcesFor: SourcesFor
  #byGroup: ReadonlyMap<string, Sources> = new Map()
  #own: Sources = {}
  readonly #subscriptions = new Map<EvidenceSource, () => void>()
  readonly #disposing = new Set<Promise<void>>()
  #changed: (group: string) => void = () => {}

  constructor(settings: MonitorSettings, sourcesFor: SourcesFor = () => []) {
    this.#sourcesFor = sourcesFor
    this.configure(settings)
  }

  /** `changed`: a source has news for this group, which is to be judged again. */
  listen(changed: (group: string) => void): void {
    this.#changed = changed
  }

  /** Takes over new settings. Throws where two sources of one group have the same name: a bug. */
  configure(settings: MonitorSettings): void {
    const own = ownSources(settings.followers.maxAgeMs)
    const external = this.#sourcesFor(settings)
    this.#own = sourcesByName(own)
    this.#byGroup = new Map(
      settings.groups.map(({name}) => {
        const there = external.filter(({groups}) => groups === 'all' || groups.includes(name))
        return [name, uniquelyNamed(name, [...own, ...there.map(({source}) => source)])]
      }),
    )
    const wanted = new Set(external.map(({source}) => source))
    for (const source of this.#subscriptions.keys()) if (!wanted.has(source)) this.#drop(source)
    for (const source of wanted) {
      if (!this.#subscriptions.has(source))
        this.#subscriptions.set(
          source,
          source.subscribe((group) => this.#changed(group)),
        )
    }
  }

  sourcesOf(group: string): Sources {
    return this.#byGroup.get(group) ?? this.#own
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const source of [...this.#subscriptions.keys()]) this.#drop(source)
    await Promise.all(this.#disposing)
  }

  #drop(source: EvidenceSource): void {
    this.#subscriptions.get(source)?.()
    this.#subscriptions.delete(source)
    const disposing = Promise.resolve(source[Symbol.asyncDispose]()).finally(() => this.#disposing.delete(disposing))
    this.#disposing.add(disposing)
  }
}

function uniquelyNamed(group: string, sources: readonly EvidenceSource[]): Sources {
  const named = sourcesByName(sources)
  if (Object.keys(named).length < sources.length)
    throw new Error(`two sources of evidence of group ${group} have the same name: ${sources.map(({name}) => name)}`)
  return named
}
