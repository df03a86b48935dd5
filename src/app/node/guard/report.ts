import type {IncomingMessage, RequestListener} from 'node:http'
import {Counter, Gauge, Registry} from 'prom-client'
import {guardRules} from '../../../actuators/guard/plan.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import type {Clock} from '../../../core/ports.ts'
import type {GuardState} from './guard-state.ts'

export type ReportDeps = Readonly<{site: GuardSite; state: GuardState; file: () => string | null; clock: Clock}>

/** The guard's own API, on its unix socket: what it does and why, metrics, and whether it lives. */
export function reportHandler(deps: ReportDeps): RequestListener {
  const metrics = metricsOf(deps)
  const answers: Readonly<Record<string, () => Promise<Answer>>> = {
    '/v1/guard': async () => json(200, guardJson(deps)),
    '/livez': async () =>
      deps.state.isAlive() ? text(200, 'alive\n') : text(503, 'no pass has ended within a lease\n'),
    '/metrics': async () => ({status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: await metrics()}),
  }
  return (request, response) => {
    const answer =
      answers[pathOf(request)] ?? (async () => json(404, {detail: `known: ${Object.keys(answers).join(', ')}`}))
    const allowed = request.method === 'GET' || request.method === 'HEAD'
    const answered = allowed ? answer() : Promise.resolve(json(405, {detail: 'only GET'}))
    answered.then(
      ({status, type, body}) => {
        response.writeHead(status, {'content-type': type, 'cache-control': 'no-store'})
        response.end(request.method === 'HEAD' ? '' : body)
      },
      () => response.writeHead(500).end(),
    )
  }
}

type Answer = Readonly<{status: number; type: string; body: string}>
const pathOf = ({url = ''}: IncomingMessage): string => url.split('?', 1)[0] ?? ''
const json = (status: number, value: object): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(value)}\n`,
})
const text = (status: number, body: string): Answer => ({status, type: 'text/plain; charset=utf-8', body})

/** `GET /v1/guard`. Times are UTC; `lease_left_ms`: `null`: nothing is allowed. */
export function guardJson({site, state, file, clock}: ReportDeps): object {
  const {guard, host, group} = site
  const {gates, decision, problems} = state
  return {
    schema: 1,
    host: host.name,
    group,
    hba_file: file(),
    own: state.own,
    read_write: gates?.readWrite ?? null,
    read_only: gates?.readOnly ?? null,
    rule: decision?.rule ?? null,
    why: decision?.why ?? null,
    lease_left_ms: state.leaseLeftMs === null ? null : Math.round(state.leaseLeftMs),
    quorum: guard.quorum,
    fence: guard.fence,
    problems,
    sessions_ended: state.sessionsEnded,
    rewrites: state.rewrites,
    passed_ms_ago: state.passedAt === null ? null : Math.round(clock.now() - state.passedAt),
    changes: state.changes.map(({at, gates: after, rule, why}) => ({
      at: new Date(at).toISOString(),
      read_write: after?.readWrite ?? null,
      read_only: after?.readOnly ?? null,
      rule,
      why,
    })),
  }
}

function metricsOf({state, clock}: ReportDeps): () => Promise<string> {
  const registry = new Registry()
  const registers = [registry]
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Gauge({name: `pgroute66_guard_${name}`, help, labelNames, registers})
  const counter = (name: string, help: string) => new Counter({name: `pgroute66_guard_${name}`, help, registers})
  const open = gauge('gate_open', 'Whether these users may come in: 1, or 0; -1: not known.', ['users'])
  const primary = gauge('is_primary', 'Whether PostgreSQL of this host says that it is a primary.')
  const rule = gauge('rule', 'The rule that decided last.', ['rule'])
  const lease = gauge('lease_seconds', 'What is left of the lease; 0: nothing is allowed.')
  const troubles = gauge('problems', 'Reasons why PostgreSQL may not follow the guard.')
  const passed = gauge('last_pass_timestamp_seconds', 'When the last pass ended.')
  const counts = {
    rewrites: counter('rewrites_total', 'Times that another program changed the block in pg_hba.conf.'),
    sessionsEnded: counter('sessions_ended_total', 'Sessions that the guard ended when a gate shut.'),
    leasesExpired: counter('leases_expired_total', 'Leases that ended without a pass that renewed them.'),
    writeFailures: counter('write_failures_total', 'Passes that could not make PostgreSQL follow.'),
  }
  return async () => {
    const {gates, decision, passedAt} = state
    open.labels('read_write').set(gates === null ? -1 : Number(gates.readWrite === 'allow'))
    open.labels('read_only').set(gates === null ? -1 : Number(gates.readOnly === 'allow'))
    primary.set(Number(state.own === 'primary'))
    for (const each of guardRules) rule.labels(each).set(Number(decision?.rule === each))
    lease.set((state.leaseLeftMs ?? 0) / 1000)
    troubles.set(state.problems.length)
    passed.set(passedAt === null ? 0 : (clock.wall() - (clock.now() - passedAt)) / 1000)
    for (const [key, metric] of Object.entries(counts)) {
      metric.reset()
      metric.inc(state[key as keyof typeof counts])
    }
    return await registry.metrics()
  }
}
