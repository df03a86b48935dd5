/**
 * The package's `pgroute66/patroni`: Patroni's REST API, typed, from 0.90 to 4.x. It needs undici,
 * and loads nothing else of the program.
 */

export {EtcdError, type EtcdErrorReason} from '../etcd/error.ts'
export type {Tls} from '../http/connector.ts'
export type {Delivery} from '../http/exchange.ts'
export {type Answer, dcsAgeSeconds, type OrderAnswer, type Outcome} from './answer.ts'
export {
  type Heard,
  type HollowReason,
  type Leader,
  type LeaderWord,
  leaderOf,
  leaderWord,
  type MemberWord,
} from './claim.ts'
export {type ClientOptions, PatroniClient} from './client.ts'
export type {Cluster, ClusterMember, ScheduledSwitchover} from './data/cluster.ts'
export type {DynamicConfig} from './data/config.ts'
export type {TimelineEntry} from './data/history.ts'
export type {Replication, Role, State, Status, Tags, Xlog} from './data/status.ts'
export {type ConsulPlace, consulDiscovery} from './discovery/consul.ts'
export type {Discovery, MemberAddress} from './discovery/discovery.ts'
export {type EtcdPlace, etcdDiscovery, registratorDiscovery} from './discovery/etcd.ts'
export {type RestDiscoveryOptions, restDiscovery} from './discovery/rest.ts'
export type {Tree, TreeDiscovery, TreeMember} from './discovery/tree.ts'
export {PatroniError, type PatroniErrorKind, type PatroniErrorReason} from './error.ts'
export {type HealthPath, type HealthQuery, healthPaths} from './health-path.ts'
export {PatroniMember} from './member.ts'
export type {Moved} from './moved.ts'
export type {FailoverOrder, ReinitializeOrder, RestartOrder, SwitchoverOrder} from './orders.ts'
export {type Auth, type Call, memberUrl} from './transport.ts'
