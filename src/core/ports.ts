import type {PastChange} from './changes.ts'
import type {Facts, Failure, SessionFacts} from './facts/observation.ts'
import type {Router} from './router.ts'
import type {ActuatorState, Change, Publication, Snapshot} from './snapshot.ts'
import type {Memory} from './verdict/group-memory.ts'
import type {Cause, Role} from './vocabulary.ts'

/**
 * Time from outside. Monotonic and wall time are two different things; only `now` is ever compared.
 */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number
  /** Wall clock, milliseconds since 1970: for display, and to notice a suspended machine. */
  wall(): number
  /** Calls `run` once, when `ms` have passed by `now`; the returned function cancels. Never throws. */
  after(ms: number, run: () => void): () => void
}

/** Chance from outside: a number in [0, 1). */
export type Random = () => number

/**
 * Where snapshots come from: the monitor in this process, or a running daemon. Consumers do not
 * know which one they hold. `current` never waits and never returns an answer that has gone stale.
 * A listener must not throw; it is called in order, once per publication. The monitor logs a
 * listener that throws, and goes on with the next one.
 */
export interface SnapshotSource extends AsyncDisposable {
  current(): Snapshot
  subscribe(listener: (publication: Publication) => void): () => void
  /**
   * Changes from before this source was opened, oldest first. Absent: not known. Rejects when the
   * daemon cannot be asked.
   */
  past?(): Promise<readonly PastChange[]>
  /**
   * What the daemon's routers showed when it last read them. Absent: this source has none. Rejects
   * when the daemon cannot be asked, or is of an earlier version.
   */
  routers?(): Promise<readonly Router[]>
}

/**
 * The operator who gives an order, and why. `isForwarded`: another instance of the set has sent it, which
 * takes this one for the owner.
 */
export type Who = Readonly<{by: string; reason: string | null; isForwarded?: boolean}>

/**
 * The operator's orders. Each resolves to what was done, in words, once it is on disk; rejects with
 * OperatorError when it cannot be done.
 */
export interface Orders {
  /** This host is the primary, and its cluster is the cluster. */
  accept(host: string, who: Who): Promise<string>
  /** Takes a host out of rotation: its role stays, and routers no longer get it. */
  drain(host: string, who: Who): Promise<string>
  resume(host: string, who: Who): Promise<string>
  /** Probes this host at once; resolves to what it is when that is done, or after five seconds. */
  poke(host: string, who?: Pick<Who, 'isForwarded'>): Promise<Poked>
  /** Freezes every actuator, until `untilMs` (wall clock) or an order that ends it. */
  maintain(request: {isOn: boolean; untilMs: number | null}, who: Who): Promise<string>
}

/**
 * Asks for a hold of a group, or renews it. It ends by itself `leaseMs` after the last request, and
 * `limitMs` after the first one.
 */
export type HoldRequest = Readonly<{
  /** Chosen by who asks: the same id renews. */
  id: string
  group: string
  from: string
  to: string | null
  /** The hold must be in force already. */
  isRenewal: boolean
  leaseMs: number
  limitMs: number
}>

/** The orders of `pgroute66 switchover`. Throws OperatorError where writers may not be held. */
export interface Holds {
  /** The writers of a group wait. Not kept over a restart. */
  hold(request: HoldRequest, who: Who): void
  /** Ends the hold; does nothing where it has ended. */
  release(id: string): void
}

/** Where actuators report what came of a verdict. */
export interface ActuatorReports {
  /** `null`: the actuator no longer exists. */
  reportActuator(name: string, state: ActuatorState | null): void
  announce(changes: readonly Change[]): void
}

/** What a host is after a probe that was ordered. `done`: the same in words. */
export type Poked = Readonly<{role: Role; cause: Cause | null; done: string}>

/**
 * One authenticated session to one host, as the monitor sees it. Made by `HostDriver.open`. `probe`
 * never rejects: every way to fail is a `Failure`. After `close` (or once `onClosed` has fired)
 * every call answers a failure.
 */
export interface HostSession {
  readonly facts: SessionFacts
  /**
   * One round trip. `nudge`: also emit a tiny logical message when the host is a primary, so that
   * its standbys hear from it.
   */
  probe(ask: {nudge: boolean}, signal: AbortSignal): Promise<Facts | Failure>
  /**
   * Is the backend (pid, start) one of this server's? Proof that two names are one server. `null`:
   * cannot tell.
   */
  hasBackend(pid: number, backendStart: string, signal: AbortSignal): Promise<boolean | null>
  /** `null`: this session is not pinged, because its server, or what lies between, does not speak pings. */
  readonly pings: Pings | null
  /** Called once when the server or the network ends the session; not called by our own `close`. */
  onClosed(listener: (failure: Failure) => void): void
  /** Destroys the socket at once; idempotent. */
  close(): void
}

/**
 * A session's cheapest question. An answer says that the server lives, and nothing of what it is: it
 * makes no earlier answer fresh.
 */
export interface Pings {
  /** Monotonic: when the ping under way was sent; `null`: none is. */
  readonly sentAt: number | null
  /** A ping of this session was answered: what lies between speaks them. */
  readonly isProven: boolean
  /** Sends one, and does not wait; does nothing while a ping or a question is under way. */
  send(): void
  /** Called from the sockets; a new listener takes the place of the one before. */
  listen(listener: PingListener): void
}
export type PingListener = Readonly<{
  answered: (tripMs: number) => void
  /** The server told, unasked, that one of its parameters changed, such as `in_hot_standby`. */
  changed: () => void
}>

/**
 * How the monitor reaches one host. Every method resolves - with a `Failure` at the latest soon
 * after `signal` aborts - and never rejects.
 */
export interface HostDriver {
  open(signal: AbortSignal): Promise<HostSession | Failure>
  /**
   * A fresh connection with the host's own sslmode, a StartupMessage, the first reply read, closed
   * before authenticating.
   */
  knock(signal: AbortSignal): Promise<KnockAnswer>
  /**
   * A limit for a question of so many round trips: `configuredMs`, or longer where that is too short
   * for the measured round trip. `open`, `knock` and `heartbeat` keep their own limits, one a step.
   */
  limitMs(configuredMs: number, trips: number): number
  /** Every address to which the host's name leads now; none: not known, or a unix socket. */
  addresses(signal: AbortSignal): Promise<readonly string[]>
  /**
   * The addresses to which the host's name led when it was last looked up, by a session or a knock.
   * The same list until another one is found; none: not looked up yet, or a unix socket. Never waits.
   */
  resolved(): readonly string[]
  /** The heartbeat, on a session of its own: writes on a primary, reads on a standby. */
  heartbeat(ask: {primary: boolean}, signal: AbortSignal): Promise<HeartbeatAnswer>
  /** Ends every session that the driver still holds. It may be used again. */
  close(): Promise<void>
}
/** `remoteAddress`: of the server that was knocked at; `null`: not reached, or a unix socket. */
export type KnockAnswer = Readonly<{remoteAddress: string | null}> &
  (Readonly<{kind: 'fine'}> | (Readonly<{kind: 'failure'}> & Failure))
export type HeartbeatAnswer =
  | Readonly<{kind: 'beat'}>
  | Readonly<{kind: 'read'; delayMs: number | null}>
  | Readonly<{kind: 'silent'; detail: string}>
  | Readonly<{kind: 'missing'; detail: string}>
  | (Readonly<{kind: 'failure'}> & Failure)

export const isFailure = (value: object): value is Failure => 'cause' in value && 'detail' in value

/**
 * Keeps the memory. `load` throws OperatorError on a file it cannot use; `save` is called after
 * every change, in order, and must be durable when it resolves.
 */
export interface MemoryStore {
  load(): Promise<Memory>
  save(memory: Memory): Promise<void>
}

/** Where log lines go. Fields never hold a secret. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * Where counts go (metrics). Called by the monitor on its hot path: must not throw, must not wait.
 */
export interface Meter {
  /** `certificateEndsAt`: of the server's certificate, milliseconds since 1970; `null`: it showed none. */
  connectionOpened(host: string, certificateEndsAt: number | null): void
  probed(host: string, durationMs: number): void
  failed(host: string, cause: Cause): void
  /** A ping was not answered in time: the host was looked at from all sides. */
  alarmed(host: string): void
  /** What came of the latest attempt to keep the memory. */
  saved(isSuccessful: boolean): void
}
