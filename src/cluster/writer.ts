import type {Memory} from '../core/verdict/group-memory.ts'
import {nothingRemembered} from '../core/verdict/group-memory.ts'
import {portionsOf} from './plan.ts'
import type {GroupRecord, Instance, StampedRecord} from './record.ts'
import {portion, type RegistryWrite} from './registry.ts'

export type WriterDeps = Readonly<{
  /** `false`: a comparison failed. Rejects where the registry did not answer. */
  commit: (writes: readonly RegistryWrite[]) => Promise<boolean>
  record: (group: string) => StampedRecord | undefined
  isOurs: (record: GroupRecord) => boolean
  us: () => Instance
  reread: () => Promise<void>
}>

type GroupWrite = Extract<RegistryWrite, {kind: 'group'}>
/** `isOurs`: the memory in the record is the one that our engine gave. */
type Done = (group: string, record: StampedRecord, isOurs: boolean) => void

/**
 * Writes records of groups, each on top of the record that was seen: where another instance wrote
 * meanwhile, nothing is written. One commit at a time.
 */
export class Writer {
  readonly #deps: WriterDeps
  #queue: Promise<unknown> = Promise.resolve()

  constructor(deps: WriterDeps) {
    this.#deps = deps
  }

  /** `memory`: our own, where it is the newer one; `null`: the one that is published. */
  claim(
    groups: readonly string[],
    own: (group: string) => Readonly<{memory: Memory | null; leastEpoch: number}>,
    done: Done,
  ): Promise<void> {
    const {us} = this.#deps
    const ours = new Set<string>()
    const told: Done = (group, record) => done(group, record, ours.has(group))
    return this.#each(groups, told, (group) => {
      const seen = this.#deps.record(group)
      if (seen?.value === 'unreadable') return null
      const {memory, leastEpoch} = own(group)
      if (memory !== null) ours.add(group)
      return {
        owner: claimantOf(us()),
        epoch: Math.max(leastEpoch, seen?.value.epoch ?? 0) + 1,
        next: null,
        configHash: us().configHash,
        memory: memory ?? seen?.value.memory ?? nothingRemembered,
      }
    })
  }

  /** To the owner: we are ready to be the next one. */
  ask(groups: readonly string[]): Promise<void> {
    return this.#each(
      groups,
      () => {},
      (group) => {
        const seen = this.#deps.record(group)?.value
        return seen === undefined || seen === 'unreadable' ? null : {...seen, next: claimantOf(this.#deps.us())}
      },
    )
  }

  /** With the last that we remember. */
  give(
    gifts: readonly (readonly [group: string, to: Instance])[],
    memory: (group: string) => Memory | null,
    done: Done,
  ): Promise<void> {
    const heirs = new Map(gifts)
    return this.#each([...heirs.keys()], done, (group) => {
      const [seen, to] = [this.#ours(group), heirs.get(group)]
      if (seen === null || to === undefined) return null
      const {configHash} = to
      return {
        owner: claimantOf(to),
        epoch: seen.epoch + 1,
        next: null,
        configHash,
        memory: memory(group) ?? seen.memory,
      }
    })
  }

  /** Resolves once the registry has it. Rejects where it cannot, or where the group is no longer ours. */
  async publish(group: string, memory: Memory): Promise<void> {
    let isKept = false
    const keep = () =>
      this.#each(
        [group],
        () => {
          isKept = true
        },
        (name) => {
          const seen = this.#ours(name)
          return seen && {...seen, memory}
        },
      )
    await keep()
    // Another instance asked for the group meanwhile: the record is another one, and still ours.
    if (!isKept && this.#ours(group) !== null) await keep()
    if (!isKept) throw new Error(`group ${group} has another owner`)
  }

  /** The memory of each group that has one. */
  flush(memory: (group: string) => Memory | null, groups: readonly string[]): Promise<void> {
    return this.#each(
      groups,
      () => {},
      (group) => {
        const [seen, kept] = [this.#ours(group), memory(group)]
        return seen && kept && {...seen, memory: kept}
      },
    )
  }

  #ours(group: string): GroupRecord | null {
    const seen = this.#deps.record(group)?.value
    return seen !== undefined && seen !== 'unreadable' && this.#deps.isOurs(seen) ? seen : null
  }

  /** `record`: what to write, made when its turn comes; `null`: nothing. */
  #each(groups: readonly string[], done: Done, record: (group: string) => GroupRecord | null): Promise<void> {
    const work = this.#queue.then(async () => {
      for (const some of portionsOf(groups, portion)) await this.#portion(some, done, record)
    })
    this.#queue = work.catch(() => {})
    return work
  }

  async #portion(groups: readonly string[], done: Done, record: (group: string) => GroupRecord | null): Promise<void> {
    const writes = groups.flatMap((name): GroupWrite[] => {
      const next = record(name)
      const revision = this.#deps.record(name)?.revision ?? 0n
      return next === null ? [] : [{kind: 'group', name, record: next, revision}]
    })
    if (writes.length === 0) return
    let succeeded = false
    try {
      succeeded = await this.#deps.commit(writes)
    } catch (error) {
      // Whether it was carried out is not known, and stands in the registry.
      await this.#deps.reread().catch(() => {})
      throw error
    }
    if (!succeeded) return this.#deps.reread()
    for (const {name} of writes) {
      const written = this.#deps.record(name)
      if (written) done(name, written, false)
    }
  }
}

const claimantOf = ({id, session}: Instance) => ({id, session})
