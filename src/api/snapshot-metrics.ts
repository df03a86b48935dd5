import {Gauge, type Registry} from 'prom-client'
import type {HostState, Snapshot} from '../core/snapshot.ts'
import type {Moment} from '../protocol/snapshot-json.ts'

const roles = ['primary', 'standby', 'unavailable'] as const
const verdicts = ['primary', 'no-primary', 'split-brain', 'unconfirmed', 'starting'] as const
const answers = ['confirms', 'denies', 'silent'] as const

/**
 * Gauges that say what the snapshot says. Emptied each time, so that a host that was removed from
 * the configuration is gone.
 */
export function snapshotMetrics(registers: Registry[]) {
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Gauge({name: `pgroute66_${name}`, help, labelNames, registers})
  const up = gauge('host_up', 'Whether the host answers.', ['host'])
  const role = gauge('host_role', 'The role of the host: 1 for that which it has.', ['host', 'role'])
  const blind = gauge('host_blind', 'Whether the host cannot be judged for a reason of ours: credentials, TLS, DNS.', [
    'host',
  ])
  const drained = gauge('host_drained', 'Whether an operator took the host out of rotation.', ['host'])
  const timeline = gauge('host_timeline', 'The timeline of the host, where it is known.', ['host'])
  const lag = gauge('host_replay_lag_bytes', 'How far a standby is behind the primary, where it is known.', ['host'])
  const lagTime = gauge(
    'host_replay_lag_seconds',
    'How far a standby is behind the primary in time, where it is known.',
    ['host'],
  )
  const backends = gauge('host_backends', 'Backends in use, where it is known.', ['host'])
  const backendsMost = gauge('host_backends_limit', 'Backends that the host allows, where it is known.', ['host'])
  const success = gauge('host_last_success_timestamp_seconds', 'When the host last answered a probe.', ['host'])
  const primaries = gauge('group_primaries', 'How many hosts of the group are primary.', ['group'])
  const routed = gauge('group_routed', 'Whether the group has a host that may be written to.', ['group'])
  const verdict = gauge('group_verdict', 'The verdict of the group: 1 for that which it is.', ['group', 'verdict'])
  const evidence = gauge('evidence', 'What a source of evidence answers: 1 for that which it is.', [
    'group',
    'source',
    'subject',
    'answer',
  ])
  const target = gauge('actuator_in_sync', 'Whether a target does what the verdict says, as last verified.', ['target'])
  const maintenance = gauge('maintenance', 'Whether an operator froze every actuator.', [])
  const ready = gauge('ready', 'Whether the first full round is done.', [])
  const all = [
    up,
    role,
    blind,
    drained,
    timeline,
    lag,
    lagTime,
    backends,
    backendsMost,
    success,
    primaries,
    routed,
    verdict,
    evidence,
    target,
    maintenance,
    ready,
  ]
  const answeredAt = new Map<string, number>()

  function setHost(state: HostState, {now, wall}: Moment): void {
    const {host} = state
    up.set({host}, Number(state.role !== 'unavailable'))
    for (const one of roles) role.set({host, role: one}, Number(state.role === one))
    blind.set({host}, Number(state.role === 'unavailable' && state.blind))
    drained.set({host}, Number(state.drained !== null))
    if (state.role !== 'unavailable') {
      if (state.timeline !== null) timeline.set({host}, state.timeline)
      if (state.backendsUsed !== null) backends.set({host}, state.backendsUsed)
      if (state.backendsMax !== null) backendsMost.set({host}, state.backendsMax)
    }
    if (state.role === 'standby') {
      if (state.lagBytes !== null) lag.set({host}, state.lagBytes)
      if (state.lagMs !== null) lagTime.set({host}, state.lagMs / 1000)
    }
    // A source that is not the monitor of this process counts no probes; then the snapshot knows.
    const seen = state.role !== 'unavailable' && state.askedAt !== null ? wall - (now - state.askedAt) : undefined
    const at = answeredAt.get(host) ?? seen
    if (at !== undefined) success.set({host}, at / 1000)
  }

  return {
    answered: (host: string, wall: number): void => void answeredAt.set(host, wall),
    set(snapshot: Snapshot, at: Moment): void {
      for (const one of all) one.reset()
      for (const host of answeredAt.keys()) if (!Object.hasOwn(snapshot.hosts, host)) answeredAt.delete(host)
      for (const state of Object.values(snapshot.hosts)) setHost(state, at)
      for (const {name: group, verdict: found, evidence: items} of Object.values(snapshot.groups)) {
        primaries.set({group}, found.primaries.length)
        routed.set({group}, Number(found.routedTo !== null))
        for (const one of verdicts) verdict.set({group, verdict: one}, Number(found.kind === one))
        for (const {source, subject, answer} of items)
          for (const one of answers)
            evidence.set({group, source, subject: subject ?? '', answer: one}, Number(answer === one))
      }
      for (const [name, {status}] of Object.entries(snapshot.actuators))
        target.set({target: name}, Number(status === 'in-sync'))
      maintenance.set(Number(snapshot.maintenance !== null))
      ready.set(Number(snapshot.ready))
    },
  }
}
