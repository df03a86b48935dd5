import type {SharedFacts} from '../../api/instances.ts'
import type {StartEngine} from '../../cluster/engines.ts'
import {fencedView} from '../../cluster/fenced-view.ts'
import {SharedSet} from '../../cluster/shared-set.ts'
import type {Config} from '../../config/config.ts'
import {Admission} from '../../core/admission.ts'
import {OperatorError} from '../../core/errors.ts'
import {NodeTables} from '../../core/ha-tools/repmgr.ts'
import type {ActuatorReports, Log, Orders, SnapshotSource, Who} from '../../core/ports.ts'
import type {ClusterSettings} from '../../core/settings.ts'
import {atMost, sleep} from '../../core/wait.ts'
import {newEpoch} from '../../monitor/epoch.ts'
import {startMonitor} from '../../monitor/monitor.ts'
import {FastHosts} from '../../monitor/pacing.ts'
import {PingTimer} from '../../monitor/pings/timer.ts'
import {driverFor} from '../../sources/pg/host-drivers.ts'
import {connectionsByHost} from '../../sources/pg/side-session.ts'
import {EtcdRegistry} from '../../sources/shared/etcd-registry.ts'
import {refuseFull} from '../../sources/shared/room.ts'
import type {ComposeDeps} from './compose.ts'
import {configHash, refuseOther, sharedPart} from './config-hash.ts'
import {externalEvidence} from './evidence.ts'
import {type Instances, instancesOf} from './instances.ts'
import {RoomWatch} from './room-watch.ts'

/** What `serve` needs of what watches: a monitor, or this instance's part in a set. */
export type Watched = SnapshotSource & Orders & ActuatorReports

/** As `Watching`, with what concerns the set alone. */
export interface SharedWatching extends AsyncDisposable {
  readonly monitor: Watched
  /** For hooks: each group by its owner alone, while its lease is valid. */
  readonly own: SnapshotSource & ActuatorReports
  readonly ready: Promise<void>
  readonly tables: NodeTables
  readonly shared: SharedFacts
  reload(config: Config): Promise<void>
}

export type SharedDeps = ComposeDeps &
  Readonly<{count: (what: 'takeover' | 'handover' | 'fenced') => void; told: (facts: SharedFacts) => void}>

/** The other instances are waited for no longer than this, before the API answers. */
const othersMs = 1_000
/** To look at the set costs this process the time of its hosts. */
const lookMs = 100

/**
 * This process as an instance of a set: it watches the groups that it owns, and follows the owners of the
 * others. Rejects with OperatorError where etcd is too full to begin.
 */
export async function composeShared(
  config: Config,
  cluster: ClusterSettings,
  deps: SharedDeps,
): Promise<SharedWatching> {
  const {clock, random, log, version} = deps
  const epoch = newEpoch(random)
  const tables = new NodeTables()
  const registry = new EtcdRegistry({...cluster, clock, random})
  const room = new RoomWatch({registry, clock, log})
  refuseFull(await room.first())
  const instances: Instances = instancesOf(cluster, clock)
  let {inForce: shown = null} = config
  const set = new SharedSet({
    us: {id: cluster.id, url: cluster.url, version, configHash: configHash(config), routers: []},
    groups: config.groups,
    hosts: config.hosts,
    ttlMs: cluster.ttlMs,
    maxAgeMs: config.probe.maxAgeMs,
    hasStandby: cluster.hasStandby,
    registry,
    start: engineStarter(config, {...deps, epoch, tables}),
    open: instances.open,
    forward: instances.forward,
    clock,
    random,
    log,
    epoch,
    version,
    count: deps.count,
    config: () => shown,
  })
  const facts: SharedFacts = {
    own: set.own,
    describe: () => describe(set, cluster, room),
    adopt: (who) => adopt(set, who, log),
  }
  deps.told(facts)
  const stop = new AbortController()
  const atStart = sharedPart(config)
  return {
    monitor: watchedBy(set),
    own: {
      ...fencedView(set.own, {isValid: () => set.member.fence.isValid, clock}),
      reportActuator: (name, state) => set.reportActuator(name, state),
      announce: (changes) => set.announce(changes),
    },
    ready: readiness(set, config, stop.signal, clock),
    tables,
    shared: facts,
    async reload(next) {
      refuseOther(atStart, next)
      shown = next.inForce ?? null
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      room[Symbol.dispose]()
      await set[Symbol.asyncDispose]()
    },
  }
}

type EngineDeps = ComposeDeps & Readonly<{epoch: string; tables: NodeTables}>

/** A monitor of one group. All monitors of the process share its logins, its timer of pings and its pace. */
function engineStarter(config: Config, deps: EngineDeps): StartEngine {
  const {clock, log} = deps
  const shared = {admission: new Admission(clock), connectionsOf: connectionsByHost()}
  const pings = new PingTimer(clock)
  const fastHosts = new FastHosts()
  return (name, store) => {
    const groups = config.groups.filter((group) => group.name === name)
    const hosts = config.hosts.filter((host) => groups.some((group) => group.hosts.includes(host.name)))
    // An order is kept by the registry, which is asked for it beside the monitor.
    const settings = {...config, hosts, groups, stateDir: 'the registry of the set'}
    return startMonitor({
      ...deps,
      settings,
      admission: shared.admission,
      pings,
      fastHosts,
      driver: driverFor(config, clock, log, shared),
      store,
      evidence: externalEvidence({...deps, ...shared}).sourcesFor,
    })
  }
}

/** One object, as the parts of `serve` take it. */
function watchedBy(set: SharedSet): Watched {
  const {orders} = set
  return {
    current: () => set.current(),
    subscribe: (listener) => set.subscribe(listener),
    reportActuator: (name, state) => set.reportActuator(name, state),
    announce: (changes) => set.announce(changes),
    accept: (host, who) => orders.accept(host, who),
    drain: (host, who) => orders.drain(host, who),
    resume: (host, who) => orders.resume(host, who),
    poke: (host, who) => orders.poke(host, who),
    maintain: (request, who) => orders.maintain(request, who),
    [Symbol.asyncDispose]: async () => {},
  }
}

/**
 * Our own groups have a first round; the others' owners are heard, or were waited for. Where all instances
 * begin at once, each must answer before any can hear the others.
 */
async function readiness(
  set: SharedSet,
  config: Config,
  signal: AbortSignal,
  clock: ComposeDeps['clock'],
): Promise<void> {
  const {member} = set
  const isOurs = (group: string) => member.ownerOf(group)?.id === member.us.id
  const isOwnReady = () =>
    member.image.revision > 0n &&
    config.groups.every(({name}) => member.ownerOf(name) !== null && (!isOurs(name) || member.engines.isReady(name)))
  while (!signal.aborted && !isOwnReady()) await sleep(clock, lookMs, signal)
  if (set.current().ready) return
  const {promise: all, resolve} = Promise.withResolvers<void>()
  const unsubscribe = set.subscribe(({snapshot}) => snapshot.ready && resolve())
  await atMost(clock, othersMs, all)
  unsubscribe()
}

async function adopt(set: SharedSet, {by, reason}: Who, log: Log): Promise<string> {
  const {configHash: hash} = set.member.us
  try {
    await set.member.write(({adopted}) => ({kind: 'adopted', configHash: hash, revision: adopted.revision}))
  } catch (error) {
    const message = `nothing was done: the registry of the set did not take it (${String(error)})`
    throw new OperatorError('NO_OWNER', message, 'Send the order again in some seconds.', {cause: error})
  }
  log.warn({by, reason, config_hash: hash}, `adopted: the set has configuration ${hash}`)
  return `the set has configuration ${hash}: its instances take the groups from all others`
}

function describe(set: SharedSet, {set: name}: ClusterSettings, room: RoomWatch): ReturnType<SharedFacts['describe']> {
  const {member, streams} = set
  const {us, image} = member
  const heard = streams.heard
  const listed = [...image.instances.values()]
  const groups = Object.fromEntries(
    Object.keys(set.current().groups).map((group) => {
      const record = member.record(group)?.value
      const known = record === undefined || record === 'unreadable' ? null : record
      const owner = member.ownerOf(group)?.id ?? null
      return [group, {owner, epoch: known?.epoch ?? 0, config_hash: known?.configHash ?? null}]
    }),
  )
  const owned = Object.values(groups).flatMap(({owner}) => owner ?? [])
  return {
    set: name,
    id: us.id,
    config_hash: us.configHash,
    adopted: image.adopted.value,
    registry: {
      lost: member.lostWhy,
      lease_valid: member.fence.isValid,
      size_bytes: room.latest?.sizeBytes ?? null,
      quota_bytes: room.latest?.quotaBytes ?? null,
    },
    warnings: [...warningsOf(set), ...(room.latest?.warnings ?? [])],
    instances: listed
      .map(({id, url, version, configHash: hash, isLeaving}) => ({
        id,
        url,
        version,
        config_hash: hash,
        leaving: isLeaving,
        groups: owned.filter((owner) => owner === id).length,
        heard: id === us.id ? null : heard.includes(id),
      }))
      .sort((one, other) => (one.id < other.id ? -1 : 1)),
    groups,
  }
}

/** Instances with different configurations take no groups from each other: an operator has to know. */
function warningsOf({member}: SharedSet): readonly string[] {
  const {us, image} = member
  const others = [...image.instances.values()].filter(({configHash: hash}) => hash !== us.configHash)
  return others.map(
    ({id, configHash: hash}) =>
      `${us.id} has configuration ${us.configHash} and ${id} has ${hash}: they take no groups from each other`,
  )
}
