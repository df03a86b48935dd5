import type pg from 'pg'
import type {Emitter} from '../events.ts'
import type {Lease} from '../lane.ts'
import type {ReadRequest} from '../lanes.ts'
import type {Routed, Token} from '../types.ts'
import {type CausalDeps, causalLease, positionFor, sent} from './causal-lease.ts'
import {causalRead} from './causal-read.ts'
import {positionFrom, tokenOf, walState} from './token.ts'

/** Tokens of one database, and reads after them. */
export class Causal {
  readonly #deps: CausalDeps & Readonly<{events: Emitter}>

  constructor(deps: CausalDeps & Readonly<{events: Emitter}>) {
    this.#deps = deps
  }

  /** The position of the primary of this lease, which is given back. */
  async token({client, host}: Lease, signal?: AbortSignal): Promise<Token> {
    const ended = await sent(client, walState, {signal})
    client.release(ended.kind === 'failed')
    if (ended.kind === 'failed') throw ended.error
    const system = this.#deps.fleet.state(host)?.systemIdentifier ?? null
    return tokenOf(positionFrom(ended.result.rows[0], system))
  }

  /** A write that is done. Its result is given also where the token cannot be had. */
  async withToken<R extends pg.QueryResultRow>(
    routed: Routed<R>,
    lease: Lease,
    signal?: AbortSignal,
  ): Promise<Routed<R>> {
    const token = await this.token(lease, signal).catch(() => null)
    return token === null ? routed : Object.assign(routed, {token})
  }

  async read<R extends pg.QueryResultRow>(
    after: Token,
    read: Readonly<{
      query: string | pg.QueryConfig
      values: readonly unknown[] | undefined
      request: ReadRequest
    }>,
  ): Promise<Routed<R>> {
    const position = positionFor(after, this.#deps.fleet)
    const {result, host, attempts, isForked} = await causalRead(this.#deps, {...read, position})
    return Object.assign(result, {host, attempts, ...(isForked && {token: 'forked'})})
  }

  /** A client of a host that has reached the token. Rejects with ConnectorError. */
  async lease(after: Token, request: ReadRequest): Promise<Lease> {
    return causalLease(this.#deps, positionFor(after, this.#deps.fleet), request)
  }
}
