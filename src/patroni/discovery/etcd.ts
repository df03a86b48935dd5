import {Etcd2} from '../../etcd/etcd2.ts'
import {Etcd3} from '../../etcd/etcd3.ts'
import type {Tls} from '../../http/connector.ts'
import {systemClock} from '../../system/clock.ts'
import {memberUrl, type TransportOptions} from '../transport.ts'
import type {Discovery} from './discovery.ts'
import {addressesOf, type TreeDiscovery, treeOf} from './tree.ts'

export type EtcdPlace = Readonly<{
  /** `http://10.0.0.10:2379`; several: the next one is asked where one is silent. */
  endpoints: readonly string[]
  /** `v3`: Patroni's `etcd3:`. `v2`: its `etcd:`. */
  api?: 'v3' | 'v2' | undefined
  user?: string | undefined
  password?: string | undefined
  tls?: Tls | undefined
  clock?: TransportOptions['clock']
  /** For one endpoint, in milliseconds. */
  timeoutMs?: number | undefined
}>

/** Patroni's own tree in etcd. Rejects with EtcdError. */
export function etcdDiscovery({
  namespace = 'service',
  scope,
  api = 'v3',
  ...place
}: EtcdPlace & Readonly<{namespace?: string | undefined; scope: string}>): TreeDiscovery {
  const options = {...place, clock: place.clock ?? systemClock}
  const prefix = `/${[...namespace.split('/'), scope].filter(Boolean).join('/')}/`
  const read = api === 'v3' ? byV3(new Etcd3(options), prefix) : byV2(new Etcd2(options), prefix)
  const tree = async (signal?: AbortSignal) => treeOf(await read(signal))
  return {tree, members: async (signal) => addressesOf(await tree(signal))}
}

const byV3 = (etcd: Etcd3, prefix: string) => async (signal?: AbortSignal) => {
  const {kvs} = await etcd.range(prefix, {isPrefix: true, signal})
  return new Map(kvs.map(({key, value}) => [key.slice(prefix.length), value]))
}

const byV2 = (etcd: Etcd2, prefix: string) => async (signal?: AbortSignal) => {
  const nodes = (await etcd.list(prefix, signal)) ?? []
  return new Map(nodes.map(({key, value}) => [key.slice(prefix.length), value]))
}

/**
 * Members that registrator wrote to etcd's v2 keys: below `key`, one `host:port` for each. Their names
 * are not known. No such key, or an empty one: nothing is registered. Rejects with EtcdError.
 */
export function registratorDiscovery({key, ...place}: Omit<EtcdPlace, 'api'> & Readonly<{key: string}>): Discovery {
  const etcd = new Etcd2({...place, clock: place.clock ?? systemClock})
  return {
    async members(signal) {
      const nodes = (await etcd.list(key, signal)) ?? []
      return [...new Set(nodes.map(({value}) => memberUrl(value)))].map((url) => ({url, name: null}))
    },
  }
}
