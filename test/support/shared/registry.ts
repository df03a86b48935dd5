import {emptyImage, type GroupRecord, type Instance, type SetImage} from '../../../src/cluster/record.ts'
import type {Joined, Registry, RegistryWrite} from '../../../src/cluster/registry.ts'
import type {Clock} from '../../../src/core/ports.ts'
import {onAbort} from '../../../src/core/wait.ts'
import type {SimulatedProcess} from './process.ts'

type Held = {instance: Instance; createdAt: bigint; lease: string; endsAt: number; ttlMs: number}

/** etcd in memory, as the instances use it: one history of revisions, and leases on a clock of its own. */
export class SimulatedRegistry {
  readonly #clock: Clock
  #image: SetImage = emptyImage
  #instances = new Map<string, Held>()
  #leases = 0
  #listeners = new Set<() => void>()
  /** No request is answered. */
  hasQuorum = true
  commits = 0
  groupWrites = 0
  latencyMs = () => 1
  /** Of requests: it is carried out, and the answer is lost. */
  losesAnswer = () => false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get image(): SetImage {
    this.#expire()
    return this.#image
  }

  record(group: string): GroupRecord | null {
    const value = this.#image.groups.get(group)?.value
    return value === undefined || value === 'unreadable' ? null : value
  }

  /** How one instance reaches it. */
  door(process: SimulatedProcess): Registry & {isReachable: boolean} {
    const door = {
      isReachable: true,
      join: (instance: Instance, ttlMs: number, signal: AbortSignal) =>
        this.#ask(process, door, signal, () => this.#join(instance, ttlMs)),
      keepAlive: (joined: Joined, signal: AbortSignal) =>
        this.#ask(process, door, signal, () => this.#keepAlive(joined)),
      commit: (joined: Joined, instance: Instance, writes: readonly RegistryWrite[], signal: AbortSignal) =>
        this.#ask(process, door, signal, () => this.#commit(joined, instance, writes)),
      read: (signal: AbortSignal) => this.#ask(process, door, signal, () => this.image),
      leave: (joined: Joined, signal: AbortSignal) => this.#ask(process, door, signal, () => this.#leave(joined)),
      follow: (listener: Parameters<Registry['follow']>[0], signal: AbortSignal) =>
        this.#follow(process, door, listener, signal),
    }
    return door
  }

  /** The keys of all groups are deleted. */
  wipe(): void {
    this.#change({groups: new Map()})
  }

  /** As it was at `image`, with earlier revisions. */
  restore(image: SetImage): void {
    this.#image = {...image, history: this.#image.history + 1}
    for (const id of this.#instances.keys()) if (!image.instances.has(id)) this.#instances.delete(id)
    for (const listener of this.#listeners) listener()
  }

  #ask<T>(
    process: SimulatedProcess,
    door: Readonly<{isReachable: boolean}>,
    signal: AbortSignal,
    act: () => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = onAbort(signal, () => reject(new Error('no answer in time')))
      this.#clock.after(this.latencyMs(), () => {
        if (!door.isReachable || !this.hasQuorum) return
        this.#expire()
        const value = act()
        if (this.losesAnswer()) return
        this.#clock.after(this.latencyMs(), () => {
          if (!door.isReachable) return
          process.act(() => {
            forget()
            resolve(value)
          })
        })
      })
    })
  }

  #join(instance: Instance, ttlMs: number): Joined | 'taken' {
    if (this.#instances.has(instance.id)) return 'taken'
    this.#leases += 1
    const lease = `${this.#leases}`
    const createdAt = this.#image.revision + 1n
    this.#instances.set(instance.id, {instance, createdAt, lease, endsAt: this.#clock.now() + ttlMs, ttlMs})
    this.#change({})
    return {lease, createdAt}
  }

  #keepAlive({lease}: Joined): boolean {
    const held = [...this.#instances.values()].find((one) => one.lease === lease)
    if (held === undefined) return false
    held.endsAt = this.#clock.now() + held.ttlMs
    return true
  }

  #commit(joined: Joined, instance: Instance, writes: readonly RegistryWrite[]) {
    this.commits += 1
    const image = this.#image
    const held = this.#instances.get(instance.id)
    const isSeen = (write: RegistryWrite) => {
      if (write.kind === 'group') return (image.groups.get(write.name)?.revision ?? 0n) === write.revision
      if (write.kind === 'adopted') return image.adopted.revision === write.revision
      if (write.kind === 'maintenance') return image.maintenance.revision === write.revision
      return true
    }
    if (held?.createdAt !== joined.createdAt || !writes.every(isSeen))
      return {succeeded: false, revision: image.revision}
    const revision = image.revision + 1n
    const groups = new Map(image.groups)
    let {adopted, maintenance} = image
    for (const write of writes) {
      if (write.kind === 'group') {
        this.groupWrites += 1
        groups.set(write.name, {value: write.record, revision})
      } else if (write.kind === 'instance') held.instance = write.instance
      else if (write.kind === 'adopted')
        adopted = {value: write.configHash, revision: write.configHash === null ? 0n : revision}
      else maintenance = {value: write.value, revision: write.value === null ? 0n : revision}
    }
    this.#change({groups, adopted, maintenance})
    return {succeeded: true, revision}
  }

  #leave({lease}: Joined): void {
    for (const [id, held] of this.#instances) if (held.lease === lease) this.#instances.delete(id)
    this.#change({})
  }

  #expire(): void {
    // Without a quorum no lease ends, and a new leader counts each of them anew.
    const now = this.#clock.now()
    if (!this.hasQuorum) {
      for (const held of this.#instances.values()) held.endsAt = now + held.ttlMs
      return
    }
    let hasEnded = false
    for (const [id, {endsAt}] of this.#instances)
      if (now >= endsAt) {
        this.#instances.delete(id)
        hasEnded = true
      }
    if (hasEnded) this.#change({})
  }

  #change(parts: Partial<SetImage>): void {
    const instances = new Map([...this.#instances].map(([id, {instance}]) => [id, instance]))
    this.#image = {...this.#image, ...parts, instances, revision: this.#image.revision + 1n}
    for (const listener of this.#listeners) listener()
  }

  async #follow(
    process: SimulatedProcess,
    door: Readonly<{isReachable: boolean}>,
    {seen, lost}: Parameters<Registry['follow']>[0],
    signal: AbortSignal,
  ): Promise<void> {
    let sent: SetImage | null = null
    let isLost = false
    const deliver = () => {
      if (signal.aborted) return
      if (!door.isReachable || !this.hasQuorum) return
      const image = this.#image
      if (image === sent) return
      sent = image
      this.#clock.after(this.latencyMs(), () =>
        process.act(() => {
          if (signal.aborted || !door.isReachable) {
            sent = null
            return
          }
          isLost = false
          seen(image)
        }),
      )
    }
    // Leases end by themselves, and a watch that was cut begins anew.
    const beat = () => {
      if (signal.aborted) return
      this.#expire()
      if (!door.isReachable || !this.hasQuorum) {
        sent = null
        if (!isLost && process.isRunning) {
          isLost = true
          lost('no answer')
        }
      } else deliver()
      this.#clock.after(100, beat)
    }
    this.#listeners.add(deliver)
    beat()
    await new Promise<void>((resolve) => onAbort(signal, resolve))
    this.#listeners.delete(deliver)
  }
}
