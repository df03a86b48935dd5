import type {Change, ChangeKind} from '../core/snapshot.ts'
import {situations} from '../core/verdict/situation.ts'
import {type Answer, causes, type Role, type Rule, type VerdictKind} from '../core/vocabulary.ts'
import type {WirePastChange} from '../protocol/change-json.ts'
import {type CheckAnswer, type CheckError, checkRoles} from '../protocol/check-answer.ts'
import type {
  WireActuator,
  WireAvailability,
  WireConfig,
  WireEvidence,
  WireGroup,
  WireHold,
  WireHost,
  WireMaintenance,
  WireOwner,
  WireSnapshot,
  WireVerdict,
} from '../protocol/snapshot-json.ts'
import type {WireView, WireViewHost} from '../protocol/view-json.ts'
import {
  byName,
  constant,
  count,
  listOf,
  milliseconds,
  named,
  oneOf,
  orNull,
  record,
  type Schema,
  text,
  time,
  yesOrNo,
} from './schema.ts'

const roles: readonly Role[] = ['primary', 'standby', 'unavailable']
const kinds: readonly VerdictKind[] = ['primary', 'no-primary', 'split-brain', 'unconfirmed', 'starting']
const rules: readonly Rule[] = ['V0', 'V1', 'V2', 'V3', 'V4', 'V5']
const answers: readonly Answer[] = ['confirms', 'denies', 'silent']
const changeKinds: readonly ChangeKind[] = ['role', 'verdict', 'evidence', 'drain', 'actuator', 'config', 'order']
const statuses: readonly WireActuator['status'][] = ['pending', 'in-sync', 'out-of-sync', 'planned', 'frozen']
/** As PostgreSQL prints it. */
const lsn: Schema = {type: 'string', pattern: '^[0-9A-F]+/[0-9A-F]+$', examples: ['0/3000148']}
const port: Schema = {type: 'integer', minimum: 1, maximum: 65535}
/** Larger than what a number of JavaScript holds. */
const systemIdentifier: Schema = {type: 'string', pattern: '^[0-9]+$'}

const drain = record<NonNullable<WireHost['drained']>>({since: time, by: text, reason: orNull(text)})

const hostFields: Readonly<Record<keyof Required<WireHost>, Schema>> = {
  role: oneOf(roles),
  cause: orNull(oneOf(causes)),
  detail: orNull(text),
  blind: yesOrNo,
  since: time,
  asked_at: orNull(time),
  age_ms: orNull(milliseconds),
  address: text,
  port,
  groups: listOf(text),
  location: orNull(text),
  drained: orNull(drain),
  server_version: orNull(count),
  cluster_name: orNull(text),
  system_identifier: orNull(systemIdentifier),
  started_at: orNull(time),
  timeline: orNull(count),
  lsn: orNull(lsn),
  lag_bytes: orNull(count),
  lag_ms: orNull(milliseconds),
  upstream: orNull(text),
  receiver_state: orNull(text),
  replication_state: orNull(text),
  sync_state: orNull(text),
  read_only: orNull(yesOrNo),
  replay_paused: orNull(yesOrNo),
  backends_used: orNull(count),
  backends_max: orNull(count),
  probe_ms: orNull(milliseconds),
  availability: orNull(named('Availability')),
  delayed: orNull(record<NonNullable<WireHost['delayed']>>({delay_ms: milliseconds, read: yesOrNo})),
}

const changeFields: Record<keyof Required<Change>, Schema> = {
  kind: oneOf(changeKinds),
  group: orNull(text),
  host: orNull(text),
  from: orNull(text),
  to: orNull(text),
  rule: orNull(oneOf(rules)),
  situation: oneOf(situations),
  why: text,
  stages: byName(milliseconds),
}

/** The named schemas of the OpenAPI document, each held to the type that is sent. */
export const components: Readonly<Record<string, Schema>> = {
  Host: record<WireHost>(hostFields),
  /** Of health checks: the daemon has compared its hosts with those that `host=` means. */
  CheckedHost: record<WireHost & Readonly<{recognised?: true}>>({...hostFields, recognised: constant(true)}, [
    'recognised',
  ]),
  Availability: record<WireAvailability>({
    kind: oneOf(['ok', 'unknown']),
    delay_ms: orNull(milliseconds),
    why: orNull(text),
    age_ms: milliseconds,
  }),
  Verdict: record<WireVerdict>({
    kind: oneOf(kinds),
    rule: oneOf(rules),
    situation: oneOf(situations),
    primary: orNull(text),
    primaries: listOf(text),
    routed_to: orNull(text),
    suspect: orNull(text),
    blind: listOf(text),
    why: text,
    since: time,
  }),
  Evidence: record<WireEvidence>({
    source: text,
    subject: orNull(text),
    answer: oneOf(answers),
    contradicts_sql: yesOrNo,
    required: yesOrNo,
    why: text,
    age_ms: orNull(milliseconds),
  }),
  Group: record<WireGroup>(
    {
      hosts: listOf(text),
      verdict: named('Verdict'),
      evidence: listOf(named('Evidence')),
      owner: orNull(record<WireOwner>({instance: text, epoch: count, standing_in: yesOrNo})),
    },
    ['owner'],
  ),
  Actuator: record<WireActuator>({
    status: oneOf(statuses),
    problems: listOf(text),
    since: time,
    verified_at: orNull(time),
  }),
  Maintenance: record<WireMaintenance>({since: time, by: text, reason: orNull(text), until: orNull(time)}),
  Hold: record<WireHold>({
    id: text,
    group: text,
    from: text,
    to: orNull(text),
    since: time,
    until: time,
    by: text,
  }),
  Snapshot: record<WireSnapshot>({
    schema: constant(1),
    epoch: text,
    sequence: count,
    at: time,
    ready: yesOrNo,
    version: text,
    max_age_ms: milliseconds,
    groups: byName(named('Group')),
    hosts: byName(named('Host')),
    actuators: byName(named('Actuator')),
    maintenance: orNull(named('Maintenance')),
    hold: orNull(named('Hold')),
    config: orNull(record<WireConfig>({hash: text, loaded_at: time})),
  }),
  Change: record<WirePastChange>({at: time, epoch: text, sequence: count, ...changeFields}, ['situation', 'stages']),
  ViewHost: record<WireViewHost>({
    address: text,
    port,
    system_identifier: orNull(systemIdentifier),
    role: oneOf(roles),
    cause: orNull(oneOf(causes)),
    timeline: orNull(count),
    lsn: orNull(lsn),
    asked_ms_ago: orNull(milliseconds),
    answered_ms_ago: orNull(milliseconds),
    streams_from: orNull(text),
  }),
  View: record<WireView>({
    schema: constant(1),
    epoch: text,
    machine_id: orNull(text),
    group: text,
    hosts: byName(named('ViewHost')),
  }),
  CheckAnswer: record<CheckAnswer & Readonly<{recognised: boolean}>>({
    exit: {type: 'integer', enum: [0, 1, 3, 4, 5]},
    ok: yesOrNo,
    host: orNull(text),
    asked: oneOf(checkRoles),
    text,
    via: text,
    verdict: orNull(named('Verdict')),
    hosts: byName(named('Host')),
    group: orNull(text),
    reason: orNull(text),
    recognised: yesOrNo,
  }),
  CheckError: record<CheckError & Readonly<{recognised: boolean}>>({
    exit: constant(2),
    ok: constant(false),
    error: record<CheckError['error']>({code: text, message: text, next: text}),
    recognised: yesOrNo,
  }),
  /** RFC 9457. `code` is stable, for programs; `next` tells people what to do. */
  Problem: record<Readonly<Record<'type' | 'title' | 'status' | 'detail' | 'code' | 'next', unknown>>>({
    type: constant('about:blank'),
    title: text,
    status: {type: 'integer', minimum: 400, maximum: 599},
    detail: text,
    code: {type: 'string', pattern: '^[A-Z][A-Z0-9_]*$'},
    next: text,
  }),
}
