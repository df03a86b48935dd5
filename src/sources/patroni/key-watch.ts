import type {Clock} from '../../core/ports.ts'
import {nap, onAbort} from '../../core/wait.ts'
import type {LeaderKey} from './leader-key.ts'
import type {LeaderTree, OpenTree} from './leader-tree.ts'
import {isUntrusted} from './untrusted.ts'

export type KeyWatchDeps = Readonly<{
  /** Rejects where a file cannot be read, with a reason for an operator. */
  open: () => Promise<OpenTree>
  clock: Clock
  intervalMs: number
  /** How long what was read counts. */
  maxAgeMs: number
  /** Another leader, other members, or another configuration. */
  heard: (tree: LeaderTree) => void
  /** The key has changed: it is being read again. */
  changed: () => void
}>

/**
 * Reads the keys of the cluster over and over: reads are the truth. A watch of the leader key makes
 * the next read come at once.
 */
export class KeyWatch implements AsyncDisposable {
  readonly #deps: KeyWatchDeps
  readonly #stop = new AbortController()
  readonly #ended: Promise<unknown>
  #key: LeaderKey = {kind: 'unread', why: 'it was not read yet'}
  #config = ''
  #wake: () => void = () => {}
  #isAgain = false

  constructor(deps: KeyWatchDeps) {
    this.#deps = deps
    this.#ended = this.#run(this.#stop.signal)
  }

  get key(): LeaderKey {
    return this.#key
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(signal: AbortSignal): Promise<void> {
    const {clock, intervalMs} = this.#deps
    let open: Open | null = null
    while (!signal.aborted) {
      const askedAt = clock.now()
      this.#isAgain = false
      try {
        open ??= this.#follow(await this.#deps.open(), signal)
        this.#hear(await open.tree.read(signal), askedAt)
      } catch (error) {
        if (signal.aborted) break
        this.#fail(error)
        if (isRefused(error)) {
          await open?.end()
          open = null
          // A watch calls at its beginning. Each refusal opens a new one, which must not ask at once.
          this.#isAgain = false
        }
      }
      const pauseMs = this.#isAgain ? 0 : Math.max(0, askedAt + intervalMs - clock.now())
      const pause = nap(clock, pauseMs, signal)
      this.#wake = pause.wake
      await pause.done
    }
    await open?.end()
  }

  #follow(tree: OpenTree, signal: AbortSignal): Open {
    const stop = new AbortController()
    const forget = onAbort(signal, () => stop.abort())
    const following = tree.follow(() => this.#hasten(), stop.signal)
    return {
      tree,
      async end() {
        stop.abort()
        forget()
        await following
      },
    }
  }

  #hasten(): void {
    this.#isAgain = true
    this.#wake()
    this.#deps.changed()
  }

  #hear(tree: LeaderTree, askedAt: number): void {
    const before = this.#key
    this.#key = {kind: 'read', askedAt, leader: tree.leader, lease: tree.lease, members: tree.members}
    const configBefore = this.#config
    this.#config = JSON.stringify(tree.config)
    if (wordsOf(before) !== wordsOf(this.#key) || configBefore !== this.#config) this.#deps.heard(tree)
  }

  /** What was read before counts until it is too old. */
  #fail(error: unknown): void {
    const {clock, maxAgeMs} = this.#deps
    if (this.#key.kind === 'read' && clock.now() - this.#key.askedAt <= maxAgeMs) return
    this.#key = {kind: 'unread', why: error instanceof Error ? error.message : String(error)}
  }
}

/** The keys, and the watch that follows them. */
type Open = Readonly<{tree: OpenTree; end: () => Promise<void>}>

/** An account or a certificate was refused, ours or etcd's: the files may have been renewed. */
const isRefused = (error: unknown): boolean => {
  // By the field: etcd's client is loaded where a group has an etcd.
  const {reason} = Object(error) as {reason?: unknown}
  return reason === 'auth' || isUntrusted(error)
}

/** Without its times: a key that says the same again is no news. */
const wordsOf = (key: LeaderKey): string =>
  key.kind === 'unread' ? key.why : JSON.stringify([key.leader, key.lease !== null, key.members])
