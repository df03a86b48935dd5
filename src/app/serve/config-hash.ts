import {createHash} from 'node:crypto'
import type {Config} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'
import type {ConnectionSettings} from '../../core/settings.ts'

/**
 * Of what instances must agree on to share groups: hosts, groups and policy. Not of secrets, of paths,
 * nor of what is one machine's own, such as where it listens.
 */
export function configHash({hosts, groups, probe, followers, availability}: Config): string {
  const shared = {
    hosts: hosts.map(({connection, ...host}) => ({...host, connection: reachOf(connection)})),
    groups: groups.map(({peers, witness, repmgr, patroni, pgaf, ...group}) => ({
      ...group,
      peers: peers.map(({kind, url}) => ({kind, url})),
      witness: witness && {kind: witness.kind, url: witness.url},
      repmgr,
      patroni: patroni && {
        scope: patroni.scope,
        namespace: patroni.namespace,
        urls: patroni.urls,
        via: patroni.via,
        members: patroni.members,
        etcd: patroni.etcd && {api: patroni.etcd.api, endpoints: patroni.etcd.endpoints},
      },
      pgaf: pgaf && {formation: pgaf.formation, group: pgaf.group, nodes: pgaf.nodes, monitor: reachOf(pgaf.monitor)},
    })),
    probe,
    followers,
    availability,
  }
  return createHash('sha256').update(JSON.stringify(shared)).digest('hex').slice(0, 12)
}

/**
 * Of what a reload cannot change in a set: what is shared, and how this instance logs in. Holds secrets: it
 * is compared, and shown nowhere.
 */
export const sharedPart = (config: Config): string =>
  JSON.stringify([configHash(config), config.hosts, config.groups, config.cluster])

/** Throws OperatorError where a reload of an instance of a set would change what the set shares. */
export function refuseOther(atStart: string, next: Config): void {
  if (sharedPart(next) === atStart) return
  throw new OperatorError(
    'CONFIG_CLUSTER',
    'hosts, their logins, groups, policy or cluster differ from those that this instance began with',
    'Restart the instances one after the other: docs/scale.md, "Another configuration".',
  )
}

const reachOf = ({host, hostaddr, port, dbname, sslmode}: ConnectionSettings) => ({
  host,
  hostaddr,
  port,
  dbname,
  sslmode,
})
