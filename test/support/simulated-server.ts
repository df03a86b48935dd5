import type {Facts, Failure, Receiver, SessionFacts} from '../../src/core/facts/observation.ts'
import type {Clock} from '../../src/core/ports.ts'
import {begun, type History, isPrefix, openOf, written} from './wal.ts'

/**
 * What a new connection finds. `slamming`: let in, and thrown out at once. `refusing`: a firewall
 * refuses us in the name of a server that lives and writes.
 */
export type Door = 'open' | 'silent' | 'starting' | 'stopping' | 'slamming' | 'refusing'
export type Backend = Readonly<{pid: number; start: string; end: (failure: Failure) => void}>

export const ourIdentifier = '7710428129421941699'

export const closed: Failure = {cause: 'closed', detail: 'the server or the network closed the connection'}
const ended: Failure = {cause: 'closed', detail: 'the server ended the session', isOrdered: true}

/** One PostgreSQL server in memory: what it is in truth, whatever we may know of it. */
export class SimulatedServer {
  readonly name: string
  readonly address: string
  systemIdentifier = ourIdentifier
  startedAt: number
  isRunning = true
  /** When it last worked as a primary. */
  ledAt = Number.NEGATIVE_INFINITY
  /** SIGSTOP of the whole process group: the kernel accepts, PostgreSQL does not answer. */
  isFrozen = false
  isStorageFrozen = false
  /** Do packets pass between us and it? */
  isReachable = true
  /** log_connections is on. */
  logsKnocks = false
  door: Door = 'open'
  inRecovery: boolean
  history: History
  bytesPerMs = 1
  /** Restored to an earlier state, and without clients until the monitor has seen it. */
  isHeldBack = false
  /** Without a receiver it tells the timeline of its last checkpoint, which is the one before. */
  tellsCheckpoint = false
  isReadOnly = false
  /** Packets of the sessions that are open are lost (a router forgot them); new connections pass. */
  isSessionLost = false
  /** How often a parameter changed that it reports, beside `in_hot_standby`. */
  changes = 0
  version = 150_020
  upstream: SimulatedServer | null
  /** Does replication traffic reach it? */
  isLinked = true
  /** Our role lacks pg_read_all_stats. */
  isHidden = false
  heardAt: number
  receiverStatus: 'streaming' | null = null
  /**
   * What the standby names as its sender, where that is not the sender's own address (NAT, a
   * service name).
   */
  senderHost: string | null = null
  readonly backends = new Set<Backend>()
  readonly #clock: Clock
  #waiting: (() => void)[] = []
  #atDoor: (() => void)[] = []
  #pids: number
  #settledAt: number
  readonly #skewMs: number

  constructor(name: string, index: number, clock: Clock, upstream: SimulatedServer | null) {
    this.name = name
    this.address = `10.0.0.${index + 1}`
    this.#clock = clock
    this.startedAt = index
    this.#skewMs = 5_000 * (index - 1)
    this.#pids = 1_000 * (index + 1)
    this.upstream = upstream
    this.inRecovery = upstream !== null
    this.history = upstream?.history ?? begun(0x3000000)
    this.#settledAt = clock.now()
    this.heardAt = clock.now()
  }

  /** No two clocks of servers show the same. */
  get clockMs(): number {
    return this.#clock.wall() + this.#skewMs
  }

  get isPrimary(): boolean {
    return this.isRunning && !this.inRecovery
  }

  get timeline(): number {
    return openOf(this.history).timeline
  }

  get lsn(): number {
    return openOf(this.history).upTo
  }

  write(bytes: number): void {
    if (!this.isHeldBack) this.history = written(this.history, bytes)
  }

  /** A packet of ours arrives: acted on now, or when the server can (again). */
  arrive(act: () => void): void {
    if (this.isReachable && !(this.isFrozen && this.isRunning)) act()
    else this.#waiting.push(act)
  }

  /** A new connection. `answer(null)`: let in. */
  enter(answer: (failure: Failure | null) => void): void {
    this.arrive(() => {
      if (!this.isRunning || this.door === 'refusing') answer({cause: 'refused', detail: 'connection refused'})
      else if (this.door === 'silent') this.#atDoor.push(() => this.enter(answer))
      else if (this.door === 'starting' || this.door === 'stopping') answer({cause: 'not-accepting', detail: this.door})
      else answer(null)
    })
  }

  newBackend(end: (failure: Failure) => void): Backend {
    this.#pids += 1
    const backend = {pid: this.#pids, start: `${this.#clock.now()}`, end}
    this.backends.add(backend)
    return backend
  }

  leave(backend: Backend): void {
    this.backends.delete(backend)
    if (this.door === 'stopping' && this.isRunning && this.backends.size === 0) this.die()
  }

  /** The process is gone, and the kernel says so to everybody whom it reaches. */
  die(): void {
    this.isRunning = false
    this.isFrozen = false
    this.door = 'open'
    this.receiverStatus = null
    this.endSessions(closed)
    this.stir()
  }

  /** By an order (a shutdown, pg_terminate_backend), unless the reason is another one. */
  endSessions(reason: Failure = ended): void {
    for (const backend of [...this.backends]) {
      this.backends.delete(backend)
      // Whom the word does not reach learns of it when the packets pass again.
      this.arrive(() => backend.end(reason))
    }
    // Until its last checkpoint is written, a new client is told that the server stops.
    if (this.door === 'stopping') this.#clock.after(20, () => this.door === 'stopping' && this.isRunning && this.die())
  }

  /** An immediate stop: every session is warned, and the server is gone. */
  halt(): void {
    for (const backend of [...this.backends]) {
      this.backends.delete(backend)
      this.arrive(() => backend.end({...closed, isStopping: true}))
    }
    this.die()
  }

  /** What had to wait may go on: called after every change for the better. */
  stir(): void {
    const waiting = [...this.#waiting, ...this.#atDoor]
    this.#waiting = []
    this.#atDoor = []
    // One by one: each packet finds the world as the one before has left it.
    for (const act of waiting) this.#clock.after(0, () => this.arrive(act))
  }

  /** Brings positions and replication up to now; the one it streams from first. */
  settle(depth = 0): void {
    const now = this.#clock.now()
    const isWorking = this.isRunning && !this.isFrozen
    if (isWorking && !this.inRecovery) {
      this.write(this.bytesPerMs * (now - this.#settledAt))
      this.ledAt = now
    }
    this.#settledAt = now
    const {upstream} = this
    if (!isWorking || !this.inRecovery || upstream === null || depth > 8) return
    upstream.settle(depth + 1)
    // A dead sender is noticed at once; a frozen one, or a cut, looks "streaming" for a minute.
    if (!upstream.isRunning || upstream === this || !this.#canFollow(upstream)) this.receiverStatus = null
    else if (this.isLinked && !upstream.isFrozen) {
      if (this.receiverStatus === null || upstream.lsn > this.lsn || upstream.timeline > this.timeline)
        this.heardAt = now
      this.receiverStatus = 'streaming'
      this.history = upstream.history
    }
  }

  /** A standby that holds what its upstream lacks cannot stream from it. */
  #canFollow({systemIdentifier, history}: SimulatedServer): boolean {
    return systemIdentifier === this.systemIdentifier && isPrefix(this.history, history)
  }

  get #toldTimeline(): number {
    const isBehind = this.tellsCheckpoint && this.inRecovery && this.receiverStatus === null
    return (isBehind && this.history.at(-2)?.timeline) || this.timeline
  }

  get sessionFacts(): Omit<SessionFacts, 'backendPid' | 'backendStart'> {
    return {
      systemIdentifier: this.systemIdentifier,
      serverVersion: this.version,
      ...(this.logsKnocks && {logsKnocks: true as const}),
      clusterName: '15/main',
      startedAt: this.startedAt,
      remoteAddress: this.address,
    }
  }

  facts(standbys: readonly SimulatedServer[]): Facts {
    const followers = standbys.filter(
      ({upstream, receiverStatus, isRunning}) => upstream === this && isRunning && receiverStatus !== null,
    )
    return {
      inRecovery: this.inRecovery,
      clockMs: this.clockMs,
      timeline: this.#toldTimeline,
      lsn: lsnText(this.lsn),
      diskTimeline: null,
      flushLsn: this.inRecovery ? null : lsnText(this.lsn),
      receiveLsn: this.inRecovery ? lsnText(this.lsn) : null,
      lastReplayAgeMs: this.inRecovery ? this.#clock.now() - this.heardAt : null,
      receiver: this.inRecovery ? this.#receiver() : null,
      senders: followers.map(({name, address}, index) => ({
        pid: 90_000 + index,
        applicationName: name,
        clientAddr: address,
        state: 'streaming',
        syncState: 'async',
        replayLsn: null,
      })),
      readOnly: this.inRecovery || this.isReadOnly,
      applyDelayMs: this.inRecovery ? 0 : null,
      replayPaused: this.inRecovery ? false : null,
      backendsUsed: this.backends.size,
      backendsMax: 100,
    }
  }

  #receiver(): Receiver | null {
    if (this.receiverStatus === null || this.upstream === null) return null
    if (this.isHidden)
      return {
        status: null,
        senderHost: null,
        senderPort: null,
        receivedTimeline: null,
        lastMessageAgeMs: null,
        lastMessageSentMs: null,
        latestEndLsn: null,
      }
    return {
      status: this.receiverStatus,
      senderHost: this.senderHost ?? this.upstream.address,
      senderPort: 5432,
      receivedTimeline: this.timeline,
      lastMessageAgeMs: this.#clock.now() - this.heardAt,
      lastMessageSentMs: this.upstream.clockMs - (this.#clock.now() - this.heardAt),
      latestEndLsn: lsnText(this.lsn),
    }
  }
}

const lsnText = (bytes: number): string =>
  `${Math.floor(bytes / 0x1_0000_0000).toString(16)}/${Math.floor(bytes % 0x1_0000_0000)
    .toString(16)
    .toUpperCase()}`
