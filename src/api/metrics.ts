import {Counter, Gauge, Histogram, Registry} from 'prom-client'
import type {Meter} from '../core/ports.ts'
import type {GroupSettings} from '../core/settings.ts'
import type {Publication, Snapshot} from '../core/snapshot.ts'
import type {Moment} from '../protocol/snapshot-json.ts'
import {GroupTime} from './counters/group-time.ts'
import {ProbeTimes} from './counters/probe-times.ts'
import {Scrapes} from './counters/scrapes.ts'
import {type DropReason, dropReasons} from './listen/drop-reason.ts'
import {processMetrics} from './process-metrics.ts'
import {type SetMetrics, setMetrics} from './set-metrics.ts'
import {snapshotMetrics} from './snapshot-metrics.ts'

/**
 * What Prometheus reads. Counters count as things happen; gauges are set from the snapshot at each
 * scrape.
 */
export interface Metrics extends Pick<SetMetrics, 'took' | 'shares'> {
  /** For the monitor. */
  readonly meter: Meter
  /** Counts changes of role, and the time of each verdict. `now`: monotonic. */
  published(publication: Publication, now: number): void
  /** How long a switch took to be judged, and to be applied by an actuator. */
  stage(seen: Readonly<{stage: string; actuator: string; ms: number}>): void
  applied(actuator: string, outcome: string): void
  /** An order, by what came of it. */
  ordered(order: Readonly<{order: string; door: string; outcome: 'carried-out' | 'refused'}>): void
  /** A connection of a client was closed or refused by the API itself. */
  dropped(reason: DropReason): void
  /** A server was taken for `host` by its name alone. */
  namedOnly(host: string): void
  /** When the daemon's own certificates end, by path in the configuration: milliseconds since 1970. */
  certificates(ends: ReadonlyMap<string, number>): void
  /** The outcome of a reload. `wall`: milliseconds. */
  reloaded(isSuccessful: boolean, wall: number): void
  /** The groups whose probes are counted from now on. */
  watches(groups: readonly Pick<GroupSettings, 'name' | 'hosts'>[]): void
  /** In short pieces: a thousand hosts delay nothing else. */
  render(snapshot: Snapshot, at: Moment): Promise<string>
}

/** Seconds, from a fast LAN to `probe.timeout` and beyond. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 3]

/** All counters, histograms and gauges but those of the snapshot and of the process. */
function instrumentsOf(registers: Registry[], version: string) {
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({name: `pgroute66_${name}`, help, labelNames, registers})
  const gauge = (name: string, help: string) => new Gauge({name: `pgroute66_${name}`, help, registers})

  new Gauge({
    name: 'pgroute66_build_info',
    help: 'Version of pgroute66; always 1.',
    labelNames: ['version', 'node'],
    registers,
  })
    .labels(version, process.version)
    .set(1)
  const opened = counter('connections_opened_total', 'Sessions opened to a host.', ['host'])
  const failures = counter('probe_failures_total', 'Probes without an answer.', ['host', 'cause'])
  const alarms = counter('ping_alarms_total', 'Pings that were not answered within probe.ping_timeout.', ['host'])
  const transitions = counter('role_transitions_total', 'Role changes of a host.', ['host', 'from', 'to'])
  const duration = new Histogram({
    name: 'pgroute66_probe_duration_seconds',
    help: 'How long the hosts of a group took to answer a probe.',
    labelNames: ['group'],
    buckets,
    registers,
  })
  const stages = new Histogram({
    name: 'pgroute66_switch_stage_seconds',
    help: "Time from the first sign of a change to its verdict, and to the end of each actuator's work.",
    labelNames: ['stage', 'target'],
    buckets,
    registers,
  })
  const applies = counter('actuator_apply_total', 'Passes of an actuator, by outcome.', ['target', 'outcome'])
  const named = counter(
    'server_address_unknown_total',
    'How often a server was taken for this host by its name alone: its address is of no host.',
    ['host'],
  )
  const orders = counter(
    'orders_total',
    'Orders of operators, by how the client proved its right and what came of it.',
    ['order', 'door', 'outcome'],
  )
  const drops = counter('api_connections_dropped_total', 'Connections of clients that the API closed by itself.', [
    'reason',
  ])
  for (const reason of dropReasons) drops.inc({reason}, 0)
  const reload = gauge('config_last_reload_successful', 'Whether the last reload of the configuration succeeded.')
  const reloadedAt = gauge('config_last_reload_success_timestamp_seconds', 'When the configuration in force was read.')
  const saved = gauge('state_last_save_successful', 'Whether the last write of the state_dir succeeded.')
  return {
    opened,
    failures,
    alarms,
    transitions,
    duration,
    stages,
    applies,
    named,
    orders,
    drops,
    reload,
    reloadedAt,
    saved,
  }
}

/** Each call makes its own registry, so that several daemons in one process share nothing. */
export function createMetrics(version: string, wall: () => number): Metrics {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
  const counts = instrumentsOf(registers, version)
  const {opened, failures, alarms, transitions, stages, applies, named, reload, reloadedAt, saved} = counts
  reload.set(1)
  saved.set(1)
  reloadedAt.set(wall() / 1000)
  const setProcess = processMetrics(registers)
  const times = new GroupTime(registers)
  const filled = new Registry()
  const snapshots = snapshotMetrics({kept: registers, filled: [filled]})
  const sets = setMetrics(registers)
  const probes = new ProbeTimes(counts.duration)
  const scrapes = new Scrapes(registry, filled)

  return {
    meter: {
      connectionOpened(host, certificateEndsAt) {
        opened.inc({host})
        snapshots.certificateShown(host, certificateEndsAt)
      },
      probed(host, durationMs) {
        probes.observe(host, durationMs / 1000)
        snapshots.answered(host, wall())
      },
      failed: (host, cause) => failures.inc({host, cause}),
      alarmed: (host) => alarms.inc({host}),
      saved: (isSuccessful) => saved.set(isSuccessful ? 1 : 0),
    },
    published({changes, snapshot}, now) {
      if (changes.some(({kind}) => kind === 'verdict' || kind === 'config')) times.seen(snapshot, now)
      for (const {kind, host, from, to} of changes)
        if (kind === 'role' && host !== null && from !== null && to !== null && from !== to)
          transitions.inc({host, from, to})
    },
    stage: ({stage, actuator, ms}) => stages.observe({stage, target: actuator}, ms / 1000),
    applied: (actuator, outcome) => applies.inc({target: actuator, outcome}),
    ordered: (labels) => counts.orders.inc(labels),
    dropped: (reason) => counts.drops.inc({reason}),
    namedOnly: (host) => named.inc({host}),
    certificates: snapshots.certificates,
    took: sets.took,
    shares: sets.shares,
    reloaded(isSuccessful, at) {
      reload.set(isSuccessful ? 1 : 0)
      if (isSuccessful) reloadedAt.set(at / 1000)
    },
    watches: (groups) => probes.watches(groups),
    render: (snapshot, at) =>
      scrapes.text(function* () {
        setProcess()
        times.seen(snapshot, at.now)
        sets.set()
        yield* snapshots.fill(snapshot, at)
      }),
  }
}
