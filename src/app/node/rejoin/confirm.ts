import type {Confirmation} from '../../../actuators/rejoin/confirmation.ts'
import type {Config} from '../../../config/config.ts'
import {sourcesOf} from '../../../core/evidence/wanted-source.ts'
import {NodeTables} from '../../../core/ha-tools/repmgr.ts'
import {noMeter} from '../../../core/no-meter.ts'
import {addressKey} from '../../../core/offers/address-key.ts'
import {areIs, enumerate} from '../../../core/phrases.ts'
import type {GroupSettings, HostSettings, MonitorSettings, PeerSettings} from '../../../core/settings.ts'
import {silentLog} from '../../../core/silent-log.ts'
import type {GroupState, Snapshot, StandbyHost} from '../../../core/snapshot.ts'
import {atMost, sleep} from '../../../core/wait.ts'
import {newEpoch} from '../../../monitor/epoch.ts'
import {startMonitor} from '../../../monitor/monitor.ts'
import type {PeerView, ViewedHost} from '../../../protocol/view-reader.ts'
import type {PeerClient} from '../../../sources/peer/client.ts'
import {clientOf, peersOf} from '../../../sources/peer/peers.ts'
import {countsWitness} from '../../../sources/peer/tally.ts'
import {driverFor} from '../../../sources/pg/host-drivers.ts'
import {connectionsByHost, sideSessions} from '../../../sources/pg/side-session.ts'
import {repmgrSources} from '../../../sources/repmgr/repmgr-sources.ts'
import {systemClock} from '../../../system/clock.ts'
import {machineId} from '../../../system/machine-id.ts'
import {ownVersion} from '../../cli/version.ts'
import {memoryStore} from '../../state/memory-store.ts'

const pollMs = 50

/**
 * Who is primary among the hosts beside `local`, judged as `serve` would if `local` did not exist: by
 * their own SQL, by most hosts of the group being that primary or following it, and by most peers. A peer
 * that still sees the stray primary would name none, so its view is read without that host too.
 */
export async function confirmOthers(config: Config, group: GroupSettings, local: HostSettings): Promise<Confirmation> {
  const settings = withoutHost(config, group, local.name)
  const [only] = settings.groups
  if (only === undefined || only.hosts.length === 0) return {kind: 'unconfirmed', why: 'the group has no other host'}
  if (only.hosts.length === 1 && only.peers.length === 0) return {kind: 'unconfirmed', why: ofTwo}
  const deps = {clock: systemClock, random: Math.random, log: silentLog}
  const epoch = newEpoch(Math.random)
  const peers = peersOf({
    us: {epoch, machineId: machineId()},
    clock: systemClock,
    client: (peer) => viewWithout(clientOf(peer), local),
  })
  const side = {clock: systemClock, admission: null, connectionsOf: connectionsByHost()}
  const repmgr = repmgrSources({
    ...deps,
    tables: new NodeTables(),
    open: (host, dbname, probe) => sideSessions(host, dbname, probe, side),
  })
  await using monitor = await startMonitor({
    ...{settings, epoch, store: memoryStore(null), meter: noMeter, version: ownVersion(), ...deps},
    driver: driverFor(settings, systemClock, silentLog),
    evidence: sourcesOf([peers.kind, repmgr]),
  })
  // A host that is away has its connect_timeout; then an answer that is too old has time to be renewed.
  const {connectTimeoutMs, maxAgeMs, timeoutMs} = config.probe
  const mostMs = connectTimeoutMs + maxAgeMs + 2 * timeoutMs
  const until = systemClock.now() + mostMs
  await atMost(systemClock, mostMs, monitor.ready)
  for (;;) {
    const found = readSnapshot(monitor.current(), group, local)
    if (found.kind !== 'unconfirmed' || systemClock.now() > until) return found
    await sleep(systemClock, pollMs, new AbortController().signal)
  }
}

const ofTwo = 'a group of two hosts needs peers or a witness: no third host can follow the other one'

/** `followers` is always asked for; a group of two has none, and `peers` stand for them. */
function withoutHost(config: Config, group: GroupSettings, local: string): MonitorSettings {
  const hosts = group.hosts.filter((name) => name !== local)
  // The number of data nodes decides whether the witness counts, and that includes this one.
  const witness = group.witness !== null && countsWitness(group.hosts.length) ? [group.witness] : []
  const peers: readonly PeerSettings[] = [...group.peers, ...witness]
  const confirm = [
    'followers',
    ...(peers.length > 0 ? ['peers'] : []),
    ...(group.confirm.includes('repmgr') ? ['repmgr'] : []),
  ]
  const judged: GroupSettings = {
    ...{...group, hosts, peers, witness: null, confirm, patroni: null, pgaf: null},
    ...{onSilent: 'deny', onSplitBrain: 'refuse', onLossyPromotion: 'tell', sustainMs: 0},
  }
  return {
    ...config,
    hosts: config.hosts.filter(({name}) => hosts.includes(name)),
    groups: [judged],
    availability: null,
    stateDir: null,
  }
}

/** What the others say now. `group`: with `local` in it. */
export function readSnapshot(snapshot: Snapshot, group: GroupSettings, local: HostSettings): Confirmation {
  const state = snapshot.groups[group.name]
  if (state === undefined) return {kind: 'unconfirmed', why: 'the group is not judged'}
  const {verdict} = state
  const seen = state.hosts.flatMap((name) => snapshot.hosts[name] ?? [])
  if (!seen.some(({role}) => role === 'primary')) {
    const standbys = seen.filter((host) => host.role === 'standby')
    const own = standbys.filter((host) => followsAt(host, local)).map(({host}) => host)
    if (standbys.length === seen.length) {
      const why = `no other host is primary (${areIs(standbys.map(({host}) => host))} in recovery)`
      return {kind: 'none', by: 'recovery', why}
    }
    if ((1 + own.length) * 2 > group.hosts.length)
      return {kind: 'none', by: 'stream', why: `${enumerate(own)} stream${own.length === 1 ? 's' : ''} from it`}
  }
  const source = verdict.kind === 'primary' ? snapshot.hosts[verdict.primary] : undefined
  if (source?.role !== 'primary' || source.timeline === null) return {kind: 'unconfirmed', why: verdict.why}
  const followers = followersOf(source.host, seen)
  // The verdict is that of a group without `local`: of four hosts, two would be most.
  if (group.hosts.length > 2 && (1 + followers.length) * 2 <= group.hosts.length)
    return {kind: 'unconfirmed', why: `${followers.length} of ${group.hosts.length} hosts stream from ${source.host}`}
  const evidence = [
    `${source.host} is the primary on timeline ${source.timeline}`,
    ...(followers.length > 0 ? [`${enumerate(followers)} stream${followers.length === 1 ? 's' : ''} from it`] : []),
    ...peersWords(state, source.askedAt),
  ].join('; ')
  return {kind: 'confirmed', name: source.host, timeline: source.timeline, evidence}
}

/** The standbys that stream from a host, directly or through each other. */
function followersOf(source: string, seen: readonly Snapshot['hosts'][string][]): readonly string[] {
  const all = [source]
  for (let known = 0; known < all.length; known += 1)
    for (const host of seen)
      if (host.role === 'standby' && host.upstream === all[known] && host.receiver?.status === 'streaming')
        if (!all.includes(host.host)) all.push(host.host)
  return all.slice(1)
}

/** Does a standby stream from the address of a host? */
const followsAt = ({receiver}: StandbyHost, host: HostSettings): boolean =>
  receiver?.status === 'streaming' &&
  receiver.senderPort === host.connection.port &&
  addressesOf(host).includes(addressKey(receiver.senderHost ?? ''))

const addressesOf = ({connection, aliases}: HostSettings): readonly string[] =>
  [connection.host, connection.hostaddr, ...aliases].flatMap((one) => (one ? [addressKey(one)] : []))

/** "2 of 3 peers name it (40 ms old)", or the age of the answers alone. */
function peersWords({evidence}: GroupState, askedAt: number | null): readonly string[] {
  const peers = evidence.find(({source}) => source === 'peers')
  const at = Math.min(peers?.askedAt ?? askedAt ?? 0, askedAt ?? 0)
  const age = `(${Math.round(Math.max(0, systemClock.now() - at))} ms old)`
  const [count] = /^\d+ of \d+/.exec(peers?.why ?? '') ?? []
  return count === undefined ? [`by SQL ${age}`] : [`${count} peers name it ${age}`]
}

/** A peer's answers without `local`: by its name there, or by its address. */
function viewWithout(client: PeerClient, local: HostSettings): PeerClient {
  const {port: ownPort} = local.connection
  const addresses = addressesOf(local)
  const isLocal = ({name, address, port}: ViewedHost) =>
    name === local.name || (port === ownPort && addresses.includes(addressKey(address)))
  const without = (view: PeerView): PeerView => ({...view, hosts: view.hosts.filter((host) => !isLocal(host))})
  return {
    close: () => client.close(),
    async ask(group, signal, limitMs) {
      const heard = await client.ask(group, signal, limitMs)
      if ('trouble' in heard || heard.word.kind !== 'view') return heard
      return {word: {...heard.word, view: without(heard.word.view)}}
    },
  }
}
