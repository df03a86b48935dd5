import type {RequestListener} from 'node:http'
import type {SecureContextOptions} from 'node:tls'
import type {Config, TlsSettings} from '../../config/config.ts'
import type {Clock, Log} from '../../core/ports.ts'
import type {Calls} from '../grpc/calls.ts'
import {readCertificate, stampOf} from './certificate.ts'
import {ConnectionLimit} from './connection-limit.ts'
import type {CountDrop, DropReason} from './drop-reason.ts'
import {collides, type Endpoint, endpointsOf, sectionOf} from './endpoint.ts'
import {listenGrpc} from './grpc-listener.ts'
import {mostClients} from './limits.ts'
import {type Listener, listen} from './listener.ts'
import type {ListenerKind} from './socket-activation.ts'

/** How often the daemon checks the files of the certificate. */
const lookMs = 2_000
/** How often the log says that too many connections are open. */
const tellMs = 60_000
/** How long an answer under way may take once its listener closes. */
const graceMs = 2_000

export type ListenersDeps = Readonly<{
  /** Called once for each endpoint that opens. */
  handler: (kind: ListenerKind) => RequestListener
  /** Answers the calls of endpoints of the kind `grpc`. */
  calls: Calls
  /** File descriptors of the sockets that systemd opened. */
  inherited: ReadonlyMap<ListenerKind, number>
  /** Told of each connection that the API closes by itself. */
  dropped: CountDrop
  clock: Clock
  log: Log
}>

/**
 * All listeners of the daemon. An endpoint that a reload does not change stays open, and so do its
 * connections.
 */
export class Listeners {
  readonly #deps: ListenersDeps
  readonly #connections: ConnectionLimit
  #open: readonly Listener[] = []
  #certificates: readonly Certificate[] = []
  #cancelLook: () => void = () => {}
  /** When the log said last that too many connections are open; monotonic. */
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(deps: ListenersDeps) {
    this.#deps = deps
    const most = mostClients()
    this.#connections = new ConnectionLimit(most, (reason) => this.#overflowed(reason, most))
  }

  get addresses(): readonly string[] {
    return this.#open.map(({address}) => address)
  }

  /**
   * Opens and closes listeners until they match `config`. Throws OperatorError where an endpoint
   * cannot be opened; the old ones then stay. Old endpoints that collide with new ones are closed
   * for a moment even then.
   */
  applyConfig(config: Config): Promise<void> {
    return this.applyEndpoints(endpointsOf(config, this.#deps.inherited))
  }

  /** The same, for a process that does not listen where `serve` does. */
  async applyEndpoints(wanted: readonly Endpoint[]): Promise<void> {
    const certificates = await Promise.all(wanted.flatMap((endpoint) => certificateOf(endpoint) ?? []))
    const leaving = this.#open.filter(({endpoint}) => !wanted.some(({key}) => key === endpoint.key))
    const staying = this.#open.filter((listener) => !leaving.includes(listener))
    const coming = wanted.filter(({key}) => !staying.some(({endpoint}) => endpoint.key === key))
    const inTheWay = leaving.filter(({endpoint}) => coming.some((one) => collides(one, endpoint)))
    for (const listener of inTheWay) void this.#end(listener)

    const opened: Listener[] = []
    try {
      for (const endpoint of coming) opened.push(await this.#listen(endpoint, certificates))
    } catch (error) {
      await Promise.all(opened.map((listener) => this.#end(listener)))
      await this.#reopen(inTheWay.map(({endpoint}) => endpoint))
      throw error
    }
    for (const listener of leaving) if (!inTheWay.includes(listener)) void this.#end(listener)
    for (const {endpoint, renew} of staying) {
      const material = materialOf(endpoint, certificates)
      if (material !== null) renew(material)
    }
    this.#open = [...staying, ...opened]
    this.#certificates = certificates
    this.#lookLater()
  }

  /** Accepts no new connections. Answers under way get `graceMs` to end. */
  async close(): Promise<void> {
    this.#cancelLook()
    await Promise.all(this.#open.map((listener) => this.#end(listener)))
    this.#open = []
  }

  #overflowed(reason: DropReason, most: number): void {
    const {dropped, clock, log} = this.#deps
    dropped(reason)
    const now = clock.now()
    if (now - this.#toldAt < tellMs) return
    this.#toldAt = now
    const next = 'See which clients keep connections open, or raise the limit of open files (LimitNOFILE).'
    log.warn({}, `${most} connections to the API are open, so each new one closes an old one. ${next}`)
  }

  #listen(endpoint: Endpoint, certificates: readonly Certificate[]): Promise<Listener> {
    const material = materialOf(endpoint, certificates)
    const {handler, calls, dropped} = this.#deps
    return endpoint.kind === 'grpc'
      ? listenGrpc(endpoint, calls, material, this.#connections)
      : listen(endpoint, handler(endpoint.kind), material, {connections: this.#connections, dropped})
  }

  async #reopen(endpoints: readonly Endpoint[]): Promise<void> {
    const again = await Promise.all(endpoints.map((endpoint) => this.#listen(endpoint, this.#certificates)))
    this.#open = [...this.#open.filter(({endpoint}) => !endpoints.some(({key}) => key === endpoint.key)), ...again]
  }

  async #end(listener: Listener): Promise<void> {
    const cancel = this.#deps.clock.after(graceMs, () => listener.cut())
    await listener.close()
    cancel()
  }

  #lookLater(): void {
    this.#cancelLook()
    this.#cancelLook = this.#deps.clock.after(lookMs, () => void this.#look())
  }

  async #look(): Promise<void> {
    const certificates = this.#certificates
    if (certificates.length === 0 || this.#open.length === 0) return
    const looked = await Promise.all(certificates.map((certificate) => this.#renewed(certificate)))
    // A reload has brought other certificates meanwhile.
    if (certificates === this.#certificates) this.#certificates = looked
    if (this.#open.length > 0) this.#lookLater()
  }

  async #renewed(certificate: Certificate): Promise<Certificate> {
    const stamp = await stampOf(certificate.ssl)
    if (stamp === certificate.stamp || !this.#certificates.includes(certificate)) return certificate
    // Certificate and key are replaced one after the other. Where they do not match yet, the next
    // look finds the pair.
    try {
      const material = await readCertificate(certificate.ssl, certificate.path)
      if (!this.#certificates.includes(certificate)) return certificate
      for (const {endpoint, renew} of this.#open) if (endpoint.key === certificate.key) renew(material)
      this.#deps.log.info({}, 'the certificate has changed; new connections get the new one')
      return {...certificate, material, stamp}
    } catch (error) {
      this.#deps.log.warn(
        {},
        `the certificate has changed, but the new one cannot be used; the old one stays: ${(error as Error).message}`,
      )
      return certificate
    }
  }
}

/** What an endpoint with TLS shows, by its key, and the stamp of the files that it was read from. */
type Certificate = Readonly<{
  key: string
  path: string
  ssl: TlsSettings
  stamp: string
  material: SecureContextOptions
}>

/** `null`: the endpoint has no TLS. Rejects with OperatorError where the certificate cannot be used. */
function certificateOf({key, kind, ssl}: Endpoint): Promise<Certificate> | null {
  if (ssl === null) return null
  const path = kind === 'http' ? 'ssl' : `${sectionOf(kind)}.${kind === 'grpc' ? 'tls' : 'ssl'}`
  const read = async () => {
    // Before the files, so that a change in between is noticed.
    const stamp = await stampOf(ssl)
    return {key, path, ssl, stamp, material: await readCertificate(ssl, path)}
  }
  return read()
}

const materialOf = ({key}: Endpoint, certificates: readonly Certificate[]): SecureContextOptions | null =>
  certificates.find((certificate) => certificate.key === key)?.material ?? null
