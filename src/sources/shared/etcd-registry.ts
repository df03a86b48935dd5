import type {Instance, SetImage} from '../../cluster/record.ts'
import type {Joined, Registry, RegistryWrite} from '../../cluster/registry.ts'
import type {Clock, Random} from '../../core/ports.ts'
import type {EtcdSettings} from '../../core/settings.ts'
import {onAbort, sleep} from '../../core/wait.ts'
import {EtcdError} from '../../etcd/error.ts'
import {Etcd3} from '../../etcd/etcd3.ts'
import {type Comparison, Etcd3Writer, type Write} from '../../etcd/etcd3-writer.ts'
import {follow, RestoredError} from '../../etcd/follow.ts'
import {secretIn, textIn} from '../../system/configured-file.ts'
import {instanceText, maintenanceText, readInstance, recordText} from './codec.ts'
import {type Keys, keysOf, Mirror} from './mirror.ts'

export type EtcdRegistryDeps = Readonly<{set: string; etcd: EtcdSettings; clock: Clock; random: Random}>

type Client = Readonly<{etcd: Etcd3; writer: Etcd3Writer}>

/** A watch says nothing while nothing changes: then its endpoint is asked this often. */
const silenceMs = 1_500
const reopenMs = 1_000

/** The registry of a set in etcd. Certificates and passwords are read again after etcd refused them. */
export class EtcdRegistry implements Registry {
  readonly #deps: EtcdRegistryDeps
  readonly #keys: Keys
  readonly #mirror: Mirror
  #client: Promise<Client> | null = null
  /** Leases of ours whose key may stand, because the answer was lost. */
  readonly #tried = new Map<string, string>()

  constructor(deps: EtcdRegistryDeps) {
    this.#deps = deps
    this.#keys = keysOf(deps.set)
    this.#mirror = new Mirror(this.#keys)
  }

  async join(instance: Instance, ttlMs: number, signal: AbortSignal): Promise<Joined | 'taken'> {
    const {writer, etcd} = await this.#open()
    const key = this.#keys.instance(instance.id)
    const lease = await this.#asked(writer.grant(Math.ceil(ttlMs / 1_000), signal))
    this.#tried.set(instance.session, lease)
    const {succeeded, revision} = await this.#asked(
      writer.transact(
        {
          comparisons: [{key, createRevision: 0n}],
          writes: [{key, value: instanceText(instance), lease}],
        },
        signal,
      ),
    )
    if (succeeded) {
      this.#tried.clear()
      return {lease, createdAt: revision}
    }
    await writer.revoke(lease, signal).then(
      () => this.#tried.delete(instance.session),
      () => {},
    )
    const holder = (await this.#asked(etcd.range(key, {signal}))).kvs[0]
    const ours = holder && this.#tried.get(readInstance(holder.value)?.session ?? '')
    if (ours !== undefined) await writer.revoke(ours, signal).catch(() => {})
    return 'taken'
  }

  async keepAlive({lease}: Joined, signal: AbortSignal): Promise<boolean> {
    const {writer} = await this.#open()
    return (await this.#asked(writer.keepAlive(lease, signal))) > 0
  }

  async commit(
    {lease, createdAt}: Joined,
    {id}: Instance,
    writes: readonly RegistryWrite[],
    signal: AbortSignal,
  ): Promise<Readonly<{succeeded: boolean; revision: bigint}>> {
    const {writer} = await this.#open()
    const fence: Comparison = {key: this.#keys.instance(id), createRevision: createdAt}
    const comparisons = [fence, ...writes.flatMap((write) => this.#comparisonOf(write) ?? [])]
    const made: Write[] = []
    for (const write of writes) made.push(await this.#writeOf(write, {writer, lease, signal}))
    return this.#asked(writer.transact({comparisons, writes: made}, signal))
  }

  async read(signal: AbortSignal): Promise<SetImage> {
    const {etcd} = await this.#open()
    // A linearizable read shows everything that was told before it was asked.
    const {revision: before} = this.#mirror.image
    const answer = await this.#asked(etcd.range(this.#keys.prefix, {isPrefix: true, signal}))
    return this.#mirror.all(answer, answer.revision < before)
  }

  async follow({seen, lost}: Parameters<Registry['follow']>[0], signal: AbortSignal): Promise<void> {
    const {clock, random} = this.#deps
    while (!signal.aborted) {
      const renew = new AbortController()
      const forget = onAbort(signal, () => renew.abort())
      let isRestored = false
      try {
        const {etcd} = await this.#open()
        const listener = {
          onAll: (answer: Parameters<Mirror['all']>[0]) => {
            seen(this.#mirror.all(answer, isRestored))
            isRestored = false
          },
          onEvents: (...told: Parameters<Mirror['events']>) => seen(this.#mirror.events(...told)),
          onLive: () => seen(this.#mirror.image),
          onLost: (error: EtcdError) => {
            isRestored ||= error.cause instanceof RestoredError
            lost(error.message)
            if (isOfFiles(error)) {
              this.#client = null
              renew.abort()
            }
          },
        }
        await follow({etcd, random, silenceMs}, this.#keys.prefix, listener, renew.signal)
      } catch (error) {
        lost(error instanceof Error ? error.message : String(error))
      } finally {
        forget()
      }
      await sleep(clock, reopenMs, signal)
    }
  }

  async leave({lease}: Joined, signal: AbortSignal): Promise<void> {
    const {writer} = await this.#open()
    await this.#asked(writer.revoke(lease, signal))
  }

  /** For checks of etcd itself. */
  async writer(): Promise<Etcd3Writer> {
    return (await this.#open()).writer
  }

  #comparisonOf(write: RegistryWrite): Comparison | null {
    if (write.kind === 'instance') return null
    const key =
      write.kind === 'group'
        ? this.#keys.group(write.name)
        : write.kind === 'adopted'
          ? this.#keys.adopted
          : this.#keys.maintenance
    return {key, modRevision: write.revision}
  }

  async #writeOf(
    write: RegistryWrite,
    {writer, lease, signal}: Readonly<{writer: Etcd3Writer; lease: string; signal: AbortSignal}>,
  ): Promise<Write> {
    if (write.kind === 'group') return {key: this.#keys.group(write.name), value: recordText(write.record)}
    if (write.kind === 'instance')
      return {key: this.#keys.instance(write.instance.id), value: instanceText(write.instance), lease}
    if (write.kind === 'adopted') {
      const key = this.#keys.adopted
      return write.configHash === null ? {key, isDeleted: true} : {key, value: write.configHash}
    }
    const key = this.#keys.maintenance
    if (write.value === null) return {key, isDeleted: true}
    const value = maintenanceText(write.value)
    return write.forMs === null
      ? {key, value}
      : {key, value, lease: await this.#asked(writer.grant(Math.ceil(write.forMs / 1_000), signal))}
  }

  /** What etcd refuses may be an old certificate or password. */
  async #asked<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof EtcdError && isOfFiles(error)) this.#client = null
      throw error
    }
  }

  #open(): Promise<Client> {
    this.#client ??= this.#load().catch((error: unknown) => {
      this.#client = null
      throw error
    })
    return this.#client
  }

  async #load(): Promise<Client> {
    const {etcd, clock} = this.#deps
    const [ca, cert, key] = await Promise.all([etcd.caFile, etcd.certFile, etcd.keyFile].map((file) => textIn(file)))
    const password = await secretIn(etcd.passwordFile)
    const tls = {ca, cert, key}
    const client = new Etcd3({endpoints: etcd.endpoints, user: etcd.user ?? undefined, password, tls, clock})
    return {etcd: client, writer: new Etcd3Writer(client)}
  }
}

const isOfFiles = ({reason}: EtcdError): boolean => reason === 'auth' || reason === 'tls'
