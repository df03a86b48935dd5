import {Counter, Gauge, Histogram, Registry} from 'prom-client'
import type {Meter} from '../core/ports.ts'
import type {Publication, Snapshot} from '../core/snapshot.ts'
import type {Moment} from '../protocol/snapshot-json.ts'
import {processMetrics} from './process-metrics.ts'
import {snapshotMetrics} from './snapshot-metrics.ts'

/**
 * What Prometheus reads. Counters count as things happen; gauges are set from the snapshot when
 * somebody looks.
 */
export interface Metrics {
  /** For the monitor. */
  readonly meter: Meter
  /** Counts changes of role. */
  published(publication: Publication): void
  /** How long a switch took to be judged, and to be applied by a target. */
  stage(seen: Readonly<{stage: string; actuator: string; ms: number}>): void
  applied(actuator: string, outcome: string): void
  /** The outcome of reading the configuration. */
  reloaded(isSuccessful: boolean, wall: number): void
  render(snapshot: Snapshot, at: Moment): Promise<string>
}

/** From a fast LAN to `probe.timeout` and beyond. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 3]

/** A registry of its own: nothing is shared with another one in this process. */
export function createMetrics(version: string, wall: () => number): Metrics {
  const registers = [new Registry()]
  const [registry] = registers as [Registry]
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
  const transitions = counter('role_transitions_total', 'Changes of the role of a host.', ['host', 'from', 'to'])
  const duration = new Histogram({
    name: 'pgroute66_probe_duration_seconds',
    help: 'How long a host took to answer a probe.',
    labelNames: ['host'],
    buckets,
    registers,
  })
  const stages = new Histogram({
    name: 'pgroute66_switch_stage_seconds',
    help: 'How long after it was seen a change of verdict was judged, and applied by a target.',
    labelNames: ['stage', 'target'],
    buckets,
    registers,
  })
  const applies = counter('actuator_apply_total', 'Passes over a target, by what they came to.', ['target', 'outcome'])
  const reload = gauge('config_last_reload_successful', 'Whether the configuration that was read last is in force.')
  const reloadedAt = gauge('config_last_reload_success_timestamp_seconds', 'When the configuration in force was read.')
  const saved = gauge(
    'state_last_save_successful',
    'Whether what has to survive a restart was written when it was last tried.',
  )
  reload.set(1)
  saved.set(1)
  reloadedAt.set(wall() / 1000)
  const setProcess = processMetrics(registers)
  const snapshots = snapshotMetrics(registers)

  return {
    meter: {
      connectionOpened: (host) => opened.inc({host}),
      probed(host, durationMs) {
        duration.observe({host}, durationMs / 1000)
        snapshots.answered(host, wall())
      },
      failed: (host, cause) => failures.inc({host, cause}),
      saved: (isSuccessful) => saved.set(isSuccessful ? 1 : 0),
    },
    published({changes}) {
      for (const {kind, host, from, to} of changes)
        if (kind === 'role' && host !== null && from !== null && to !== null && from !== to)
          transitions.inc({host, from, to})
    },
    stage: ({stage, actuator, ms}) => stages.observe({stage, target: actuator}, ms / 1000),
    applied: (actuator, outcome) => applies.inc({target: actuator, outcome}),
    reloaded(isSuccessful, at) {
      reload.set(isSuccessful ? 1 : 0)
      if (isSuccessful) reloadedAt.set(at / 1000)
    },
    render(snapshot, at) {
      setProcess()
      snapshots.set(snapshot, at)
      return registry.metrics()
    },
  }
}
