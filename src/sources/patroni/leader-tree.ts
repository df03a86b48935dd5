import {bareHost} from '../../core/offers/bare-host.ts'
import type {Clock, Random} from '../../core/ports.ts'
import type {PatroniEtcdSettings, PatroniSettings} from '../../core/settings.ts'
import {secretIn, textIn} from '../../system/configured-file.ts'
import type {KeyMember, LeaderKey, PostgresAddress} from './leader-key.ts'

/** The keys of the cluster at one moment, by a linearizable read. */
export type LeaderTree = Pick<Extract<LeaderKey, {kind: 'read'}>, 'leader' | 'lease' | 'members'> &
  Readonly<{
    /** The dynamic configuration, as it was written. */
    config: unknown
  }>

/** The keys of one cluster in its etcd. */
export type OpenTree = Readonly<{
  /** Rejects where no endpoint answers. */
  read(signal: AbortSignal): Promise<LeaderTree>
  /** Calls `changed` when the leader key changes, until `signal` aborts; never rejects. */
  follow(changed: () => void, signal: AbortSignal): Promise<void>
}>

type Deps = Readonly<{clock: Clock; random: Random}>

/** Rejects with OperatorError where a file cannot be read. The client is loaded when this is called. */
export async function openTree(
  {namespace, scope}: PatroniSettings,
  etcd: PatroniEtcdSettings,
  {clock, random}: Deps,
): Promise<OpenTree> {
  const [{Etcd2}, {follow2}, {Etcd3}, {follow}, {treeOf}] = await Promise.all([
    import('../../etcd/etcd2.ts'),
    import('../../etcd/follow2.ts'),
    import('../../etcd/etcd3.ts'),
    import('../../etcd/follow.ts'),
    import('../../patroni/discovery/tree.ts'),
  ])
  const [ca, cert, key] = await Promise.all([etcd.caFile, etcd.certFile, etcd.keyFile].map((file) => textIn(file)))
  const password = await secretIn(etcd.passwordFile)
  const options = {endpoints: etcd.endpoints, user: etcd.user ?? undefined, password, tls: {ca, cert, key}, clock}
  const prefix = `/${[...namespace.split('/'), scope].filter(Boolean).join('/')}/`
  const below = (path: string) => path.slice(prefix.length)
  const treeFrom = (keys: ReadonlyMap<string, string>, lease: LeaderTree['lease']): LeaderTree => {
    const {leader, members, config} = treeOf(keys)
    return {leader, lease, members: members.map(memberOf), config}
  }
  if (etcd.api === 'v2') {
    const client = new Etcd2(options)
    return {
      async read(signal) {
        const nodes = (await client.list(prefix, signal)) ?? []
        const ttlS = nodes.find(({key}) => below(key) === 'leader')?.ttl ?? null
        const tree = treeFrom(new Map(nodes.map(({key, value}) => [below(key), value])), null)
        const grantedS = Number((tree.config as {ttl?: unknown}).ttl ?? ttlS)
        return {...tree, lease: ttlS === null ? null : {leftMs: ttlS * 1_000, grantedMs: grantedS * 1_000}}
      },
      follow: (changed, signal) => follow2({etcd: client, random}, `${prefix}leader`, changed, signal),
    }
  }
  const client = new Etcd3(options)
  return {
    async read(signal) {
      const {kvs} = await client.range(prefix, {isPrefix: true, signal})
      const id = kvs.find(({key}) => below(key) === 'leader')?.lease ?? null
      const time = id === null ? null : await client.leaseTime(id, signal)
      const lease = time && {leftMs: time.leftSeconds * 1_000, grantedMs: time.grantedSeconds * 1_000}
      return treeFrom(new Map(kvs.map(({key, value}) => [below(key), value])), lease)
    },
    follow(changed, signal) {
      // At its beginning too: what came before it, since the key was read, is not told.
      const listener = {onAll: changed, onEvents: changed}
      return follow({etcd: client, random}, `${prefix}leader`, listener, signal)
    },
  }
}

type Written = Readonly<{name: string; [field: string]: unknown}>

function memberOf({name, state, role, timeline, conn_url: connUrl, api_url: apiUrl}: Written): KeyMember {
  return {
    name,
    state: typeof state === 'string' ? state : null,
    role: typeof role === 'string' ? role : null,
    timeline: typeof timeline === 'number' ? timeline : null,
    address: typeof connUrl === 'string' ? addressIn(connUrl) : null,
    apiUrl: typeof apiUrl === 'string' ? apiUrl : null,
  }
}

/** `postgres://10.0.0.1:5432/postgres` */
function addressIn(connUrl: string): PostgresAddress | null {
  // Not a special scheme: the host would stay as it was written, brackets and all.
  const url = URL.parse(connUrl.replace(/^[a-z]+:/, 'http:'))
  return url === null ? null : {host: bareHost(url), port: Number(url.port || 5432)}
}
