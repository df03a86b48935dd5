import {Counter, Gauge, type Registry} from 'prom-client'
import type {SharedFacts} from './instances.ts'

/** What an instance of a set did with a group. */
export type SetEvent = 'takeover' | 'handover' | 'fenced'

export type SetMetrics = Readonly<{
  took: (what: SetEvent) => void
  /** The process is an instance of a set: its metrics are shown from now on. */
  shares: (facts: SharedFacts) => void
  set: () => void
}>

/** Of a daemon that is in no set, none of these is shown. */
export function setMetrics(registers: Registry[]): SetMetrics {
  let facts: SharedFacts | null = null
  let made: ReturnType<typeof instruments> | null = null
  return {
    took: (what) => made?.events.inc({event: what}),
    shares(given) {
      facts = given
      made = instruments(registers)
      for (const event of ['takeover', 'handover', 'fenced']) made.events.inc({event}, 0)
    },
    set() {
      if (facts === null || made === null) return
      const {id, instances, groups, registry} = facts.describe()
      made.instances.set(instances.length)
      made.configurations.set(new Set(instances.map(({config_hash: hash}) => hash)).size)
      const owners = Object.values(groups).map(({owner}) => owner)
      made.owned.set(owners.filter((owner) => owner === id).length)
      made.ownerless.set(owners.filter((owner) => owner === null).length)
      made.lease.set(registry.lease_valid ? 1 : 0)
      if (registry.size_bytes !== null) made.size.set(registry.size_bytes)
      if (registry.quota_bytes !== null) made.quota.set(registry.quota_bytes)
    },
  }
}

function instruments(registers: Registry[]) {
  const gauge = (name: string, help: string) => new Gauge({name: `pgroute66_${name}`, help, registers})
  return {
    events: new Counter({
      name: 'pgroute66_set_events_total',
      help: 'Groups that this instance took over or gave away, and writes that its lease no longer allowed.',
      labelNames: ['event'],
      registers,
    }),
    instances: gauge('set_instances', 'Instances of the set that are alive.'),
    configurations: gauge('set_configurations', 'Different configurations among the instances that are alive.'),
    owned: gauge('set_groups_owned', 'Groups that this instance owns.'),
    ownerless: gauge('set_groups_without_owner', 'Groups that no living instance owns.'),
    lease: gauge('set_lease_valid', 'Whether this instance may write to the etcd of the set.'),
    size: gauge('set_etcd_size_bytes', 'Size of the etcd of the set.'),
    quota: gauge('set_etcd_quota_bytes', 'Quota of the etcd of the set.'),
  }
}
