import type {Etcd3} from './etcd3.ts'
import {encoded, grantedOf, keptOf, type StoreSize, sizeOf, type TxnAnswer, txnOf} from './key-value.ts'

/** What must hold of a key for a transaction to write. A revision of 0: there is no such key. */
export type Comparison = Readonly<{key: string} & ({createRevision: bigint} | {modRevision: bigint})>
/** `lease`: the key ends with it. */
export type Write = Readonly<{key: string} & ({value: string; lease?: string | undefined} | {isDeleted: true})>
export type Transaction = Readonly<{comparisons: readonly Comparison[]; writes: readonly Write[]}>

/** etcd's own limit of one transaction (`--max-txn-ops` 128) is for each of the two lists. */
export const mostWrites = 128

/**
 * Writes by etcd's v3 gateway: transactions alone, each with a comparison. So a transaction whose answer
 * was lost may be sent again: where the first one was carried out, the comparison of the second fails,
 * and a read shows what stands there. Every method rejects with EtcdError.
 */
export class Etcd3Writer {
  readonly #etcd: Etcd3

  constructor(etcd: Etcd3) {
    this.#etcd = etcd
  }

  transact({comparisons, writes}: Transaction, signal?: AbortSignal): Promise<TxnAnswer> {
    const body = {compare: comparisons.map(comparisonOf), success: writes.map(writeOf)}
    const ask = async (origin: string) =>
      txnOf(await this.#etcd.post(origin, ({root}) => `${root}/kv/txn`, body, signal), origin)
    return this.#etcd.endpoints.inTurn(ask, signal)
  }

  /** A lease of `seconds`, by its number. One whose answer is lost ends by itself. */
  grant(seconds: number, signal?: AbortSignal): Promise<string> {
    const body = {TTL: String(seconds)}
    const ask = async (origin: string) =>
      grantedOf(await this.#etcd.post(origin, ({root}) => `${root}/lease/grant`, body, signal), origin)
    return this.#etcd.endpoints.inTurn(ask, signal)
  }

  /** Seconds that the lease has from now; 0: it is gone. */
  keepAlive(lease: string, signal?: AbortSignal): Promise<number> {
    const ask = async (origin: string) =>
      keptOf(await this.#etcd.postForText(origin, ({root}) => `${root}/lease/keepalive`, {ID: lease}, signal), origin)
    return this.#etcd.endpoints.inTurn(ask, signal)
  }

  /** Ends the lease, and deletes its keys. */
  async revoke(lease: string, signal?: AbortSignal): Promise<void> {
    const ask = (origin: string) =>
      this.#etcd.post(origin, ({root}) => `${root}/${root === '/v3' ? '' : 'kv/'}lease/revoke`, {ID: lease}, signal)
    await this.#etcd.endpoints.inTurn(ask, signal)
  }

  /** Of the member that answers. */
  size(signal?: AbortSignal): Promise<StoreSize> {
    const ask = async (origin: string) =>
      sizeOf(await this.#etcd.post(origin, ({root}) => `${root}/maintenance/status`, {}, signal), origin)
    return this.#etcd.endpoints.inTurn(ask, signal)
  }

  /** Prometheus' text of the member that answers; `null`: it shows none to clients. */
  async metrics(signal?: AbortSignal): Promise<string | null> {
    const {endpoints} = this.#etcd
    const ask = (origin: string) => endpoints.askAt(origin, {path: '/metrics', method: 'GET'}, signal)
    const {status, body} = await endpoints.inTurn(ask, signal)
    return status === 200 ? body : null
  }
}

const comparisonOf = (one: Comparison): object =>
  'createRevision' in one
    ? {key: encoded(one.key), target: 'CREATE', result: 'EQUAL', create_revision: String(one.createRevision)}
    : {key: encoded(one.key), target: 'MOD', result: 'EQUAL', mod_revision: String(one.modRevision)}

function writeOf(one: Write): object {
  if ('isDeleted' in one) return {request_delete_range: {key: encoded(one.key)}}
  const {key, value, lease} = one
  return {request_put: {key: encoded(key), value: encoded(value), ...(lease !== undefined && {lease})}}
}
