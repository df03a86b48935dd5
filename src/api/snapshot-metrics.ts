import {Gauge, type Registry} from 'prom-client'
import type {GroupState, HostState, Snapshot} from '../core/snapshot.ts'
import {situations} from '../core/verdict/situation.ts'
import type {Moment} from '../protocol/snapshot-json.ts'

const roles = ['primary', 'standby', 'unavailable'] as const
const verdicts = ['primary', 'no-primary', 'split-brain', 'unconfirmed', 'starting'] as const
const answers = ['confirms', 'denies', 'silent'] as const

function gaugesOf(registers: Registry[]) {
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Gauge({name: `pgroute66_${name}`, help, labelNames, registers})
  const up = gauge('host_up', 'Whether the host answers.', ['host'])
  const role = gauge('host_role', '1 for the role of the host, 0 for the other roles.', ['host', 'role'])
  const blind = gauge(
    'host_blind',
    'Whether pgroute66 cannot judge the host because of its own credentials, TLS or DNS.',
    ['host'],
  )
  const drained = gauge('host_drained', 'Whether an operator took the host out of rotation.', ['host'])
  const timeline = gauge('host_timeline', 'The timeline of the host, if known.', ['host'])
  const lag = gauge('host_replay_lag_bytes', 'Bytes of WAL that a standby has not replayed yet, if known.', ['host'])
  const lagTime = gauge('host_replay_lag_seconds', 'Seconds that a standby is behind the primary, if known.', ['host'])
  const applyDelay = gauge(
    'host_apply_delay_seconds',
    'recovery_min_apply_delay of a standby that replays late on purpose.',
    ['host'],
  )
  const backends = gauge('host_backends', 'Backends in use, if known.', ['host'])
  const backendsMost = gauge('host_backends_limit', 'Backends that the host allows, if known.', ['host'])
  const success = gauge('host_last_success_timestamp_seconds', 'When the host last answered a probe.', ['host'])
  const probe = gauge('host_probe_seconds', 'How long the host took to answer its last probe.', ['host'])
  const primaries = gauge('group_primaries', 'How many hosts of the group are primary.', ['group'])
  const routed = gauge('group_routed', 'Whether the group has a host that may be written to.', ['group'])
  const verdict = gauge('group_verdict', '1 for the verdict of the group, 0 for the others.', ['group', 'verdict'])
  const situation = gauge('group_situation', '1 for the situation of the group, 0 for the others.', [
    'group',
    'situation',
  ])
  const evidence = gauge('evidence', '1 for the answer of a source of evidence, 0 for the others.', [
    'group',
    'source',
    'subject',
    'answer',
  ])
  const contradiction = gauge(
    'evidence_contradicts_sql',
    'Whether a source of evidence names a leader that SQL shows to be in recovery.',
    ['group', 'source', 'subject'],
  )
  const inSync = gauge('actuator_in_sync', 'Whether an actuator matched the verdict when last verified.', ['target'])
  const certificate = gauge(
    'certificate_expiry_timestamp_seconds',
    'When a certificate ends: of the API, of this daemon as a client, or of a host.',
    ['certificate'],
  )
  return {
    up,
    role,
    blind,
    drained,
    timeline,
    lag,
    lagTime,
    applyDelay,
    backends,
    backendsMost,
    success,
    probe,
    primaries,
    routed,
    verdict,
    situation,
    evidence,
    contradiction,
    inSync,
    certificate,
  }
}

/** Hosts or groups whose gauges are set before they are written out. */
const pieceSize = 50

/**
 * Gauges with the contents of the snapshot, in `filled`, which is emptied by its owner: a host that was removed
 * from the configuration disappears. The two gauges without labels are in `kept`.
 */
export function snapshotMetrics({kept, filled}: Readonly<{kept: Registry[]; filled: Registry[]}>) {
  const gauges = gaugesOf(filled)
  const maintenance = new Gauge({
    name: 'pgroute66_maintenance',
    help: 'Whether maintenance is on, which freezes every actuator.',
    registers: kept,
  })
  const ready = new Gauge({
    name: 'pgroute66_ready',
    help: 'Whether every host was probed at least once.',
    registers: kept,
  })
  const config = new Gauge({
    name: 'pgroute66_config_info',
    help: 'The configuration in force: a hash of what "config show" prints, without any secret; always 1.',
    labelNames: ['hash'],
    registers: filled,
  })
  const answeredAt = new Map<string, number>()
  const certificateEnds = new Map<string, number>()
  let ownCertificates: ReadonlyMap<string, number> = new Map()

  function setHost(state: HostState, {now, wall}: Moment): void {
    const {host} = state
    gauges.up.set({host}, Number(state.role !== 'unavailable'))
    for (const one of roles) gauges.role.set({host, role: one}, Number(state.role === one))
    gauges.blind.set({host}, Number(state.role === 'unavailable' && state.blind))
    gauges.drained.set({host}, Number(state.drained !== null))
    if (state.role !== 'unavailable') {
      if (state.timeline !== null) gauges.timeline.set({host}, state.timeline)
      if (state.backendsUsed !== null) gauges.backends.set({host}, state.backendsUsed)
      if (state.backendsMax !== null) gauges.backendsMost.set({host}, state.backendsMax)
      if (state.probeMs !== null) gauges.probe.set({host}, state.probeMs / 1000)
    }
    if (state.role === 'standby') {
      if (state.lagBytes !== null) gauges.lag.set({host}, state.lagBytes)
      if (state.lagMs !== null) gauges.lagTime.set({host}, state.lagMs / 1000)
      if (state.delayed !== null) gauges.applyDelay.set({host}, state.delayed.delayMs / 1000)
    }
    // A source outside of this process counts no probes here; then the snapshot has the time.
    const seen = state.role !== 'unavailable' && state.askedAt !== null ? wall - (now - state.askedAt) : undefined
    const at = answeredAt.get(host) ?? seen
    if (at !== undefined) gauges.success.set({host}, at / 1000)
  }

  function setGroup({name: group, verdict: found, evidence: items}: GroupState): void {
    gauges.primaries.set({group}, found.primaries.length)
    gauges.routed.set({group}, Number(found.routedTo !== null))
    for (const one of verdicts) gauges.verdict.set({group, verdict: one}, Number(found.kind === one))
    for (const one of situations) gauges.situation.set({group, situation: one}, Number(found.situation === one))
    for (const {source, subject, answer, contradictsSql} of items) {
      const about = {group, source, subject: subject ?? ''}
      for (const one of answers) gauges.evidence.set({...about, answer: one}, Number(answer === one))
      gauges.contradiction.set(about, Number(contradictsSql))
    }
  }

  return {
    answered: (host: string, wall: number): void => void answeredAt.set(host, wall),
    certificateShown(host: string, endsAt: number | null): void {
      if (endsAt === null) certificateEnds.delete(host)
      else certificateEnds.set(host, endsAt)
    },
    certificates(ends: ReadonlyMap<string, number>): void {
      ownCertificates = ends
    },
    /** Yields where the gauges are to be written out and emptied. */
    *fill(snapshot: Snapshot, at: Moment): Generator<void> {
      for (const host of answeredAt.keys()) if (!Object.hasOwn(snapshot.hosts, host)) answeredAt.delete(host)
      for (const host of certificateEnds.keys()) if (!Object.hasOwn(snapshot.hosts, host)) certificateEnds.delete(host)
      for (const [path, ends] of ownCertificates) gauges.certificate.set({certificate: path}, ends / 1000)
      for (const [host, ends] of certificateEnds) gauges.certificate.set({certificate: `server ${host}`}, ends / 1000)
      for (const [name, {status}] of Object.entries(snapshot.actuators))
        gauges.inSync.set({target: name}, Number(status === 'in-sync'))
      if (snapshot.config) config.set({hash: snapshot.config.hash}, 1)
      maintenance.set(Number(snapshot.maintenance !== null))
      ready.set(Number(snapshot.ready))
      yield* inPieces(Object.values(snapshot.hosts), (state) => setHost(state, at))
      yield* inPieces(Object.values(snapshot.groups), setGroup)
      yield
    },
  }
}

function* inPieces<T>(items: readonly T[], set: (item: T) => void): Generator<void> {
  for (const [index, item] of items.entries()) {
    set(item)
    if ((index + 1) % pieceSize === 0) yield
  }
}
