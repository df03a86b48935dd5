import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {expect, test} from 'vitest'
import {createMetrics} from '../../src/api/metrics.ts'
import {noLimits} from '../../src/core/offers/eligibility.ts'
import {predicates} from '../../src/core/vocabulary.ts'
import {answerCheck} from '../../src/protocol/check-answer.ts'
import {change} from '../support/fake-source.ts'
import {noon, primary, type SnapshotDraft, snapshot, standby, unavailable, unconfirmed} from '../support/snapshots.ts'
import {started} from './started.ts'

const draft: SnapshotDraft = {
  hosts: {
    host1: primary(),
    host2: standby('host1', {syncState: 'sync', lagBytes: 2_048, lagMs: 300}),
    host3: standby('host1', {lagBytes: null, replicationState: null}),
    host4: unavailable(),
  },
}
type Row = readonly [path: string, status: number]
const health: readonly Row[] = [
  ['host1/primary', 200],
  ['host2/primary', 503],
  ['host1/read-write', 200],
  ['host1/leader', 200],
  ['host2/replica', 200],
  ['host1/replica', 503],
  ['host4/replica', 503],
  ['host1/read-only', 200],
  ['host2/read-only', 200],
  ['host2/sync', 200],
  ['host2/synchronous', 200],
  ['host2/async', 503],
  ['host3/asynchronous', 200],
  ['host1/read-only-sync', 200],
  ['host2/quorum', 503],
  ['host1/read-only-quorum', 200],
  ['host2/standby-leader', 503],
  ['host2/health', 200],
  ['host4/health', 503],
  ['host2/replica?lag=2048', 200],
  ['host2/replica?lag=2kB', 200],
  ['host2/replica?lag=1kB', 503],
  ['host2/replica?lag=300ms', 200],
  ['host2/replica?lag=0.2s', 503],
  ['host3/replica?lag=1GB', 503],
  ['host2/replica?lag=0', 503],
  ['host2/replica?replication_state=streaming', 200],
  ['host3/replica?replication_state=streaming', 503],
  ['host2/replica?lag=', 200],
  ['host2/replica?lag=much', 400],
  ['host2/replica?lag=1MB&lag=2MB', 400],
  ['host2/everything', 404],
  ['host9/replica', 404],
  ['constructor/health', 404],
]
test('health checks of one host, by their names in Patroni', async () => {
  await using api = await started(draft)
  for (const [path, status] of health) {
    const answer = await api.ask(`/v1/hosts/${path}`)
    expect(answer.status, path).toBe(status)
    const body = JSON.parse(answer.body)
    if (status === 200 || status === 503) expect(Object.keys(body), path).toContain('replication_state')
    else expect(answer.headers['content-type'], path).toContain('problem')
  }
  for (const predicate of predicates)
    expect([200, 503]).toContain((await api.ask(`/v1/hosts/host1/${predicate}`)).status)
})

test('HAProxy asks one path for a whole backend: its header names the server', async () => {
  await using api = await started(draft)
  const state = (name: string, address = '10.0.0.99', port = 5432) =>
    `UP 1/2; address=${address}; port=${port}; name=${name}; node=lb1; weight=1/3; scur=0/0; qcur=0`
  const rows: readonly (readonly [string, string | undefined, number])[] = [
    ['primary', state('pg_write/host1'), 200],
    ['primary', state('pg_write/host2'), 503],
    ['replica', state('pg_read/host2'), 200],
    ['replica?lag=1kB', state('pg_read/host2'), 503],
    ['primary', state('pg_write/srv1', '10.0.0.1'), 200],
    ['primary', state('pg_write/srv1', '10.0.0.10'), 404],
    ['primary', state('pg_write/srv1', '10.0.0.1', 5433), 404],
    // The name of the primary at the address of the standby, however that address is written.
    ['primary', state('pg_write/host1', '10.0.0.2'), 404],
    ['primary', state('pg_write/host1', '::ffff:10.0.0.2'), 404],
    ['replica', state('pg_read/host2', '10.0.0.1'), 404],
    ['primary', 'DOWN', 400],
    ['primary', undefined, 400],
    ['primary', state('be/constructor'), 404],
    ['nonsense', state('be/host1'), 404],
  ]
  for (const [question, header, status] of rows) {
    const answer = await api.ask(`/haproxy/${question}`, {
      headers: header === undefined ? {} : {'x-haproxy-server-state': header},
    })
    expect(answer.status, `${question} ${header}`).toBe(status)
  }
})

test('/v1/check equals the output of the command, with status 200 only for exit 0', async () => {
  await using api = await started(draft, {
    haproxy: {
      backends: {pg_read: 'replica', pg_any: 'read-only', pg_write: 'primary'},
      frontends: {},
      instances: [],
      resyncMs: 1_000,
    },
  })
  const rows: readonly (readonly [query: string, exit: number, host: string | null, asked: string])[] = [
    ['server=host1', 0, 'host1', 'primary'],
    ['server=host2', 1, 'host2', 'primary'],
    ['server=host4', 3, 'host4', 'primary'],
    ['server=host2&role=standby', 0, 'host2', 'standby'],
    ['server=host2&role=standby&max_lag=1kB', 1, 'host2', 'standby'],
    ['server=host2&proxy=pg_read', 0, 'host2', 'standby'],
    ['server=host1&proxy=pg_any', 0, 'host1', 'read-only'],
    ['server=host1&proxy=unknown', 0, 'host1', 'primary'],
    ['server=host1&proxy=pg_read&role=primary', 0, 'host1', 'primary'],
    ['server=srv1&address=10.0.0.2&port=5432&role=standby', 0, 'host2', 'standby'],
    ['address=10.0.0.1&port=5432', 0, 'host1', 'primary'],
    ['group=all', 0, null, 'primary'],
    ['', 0, null, 'primary'],
  ]
  for (const [query, exit, host, asked] of rows) {
    const {status, body} = await api.ask(`/v1/check?${query}`)
    expect({status, ...JSON.parse(body)}, query).toMatchObject({
      status: exit === 0 ? 200 : 503,
      exit,
      ok: exit === 0,
      host,
      asked,
      via: 'daemon',
    })
    expect(Object.keys(JSON.parse(body)).slice(0, 8)).toEqual([
      'exit',
      'ok',
      'host',
      'asked',
      'text',
      'via',
      'verdict',
      'hosts',
    ])
  }
  for (const query of [
    'server=host9',
    'server=srv&address=10.0.0.77&port=1',
    'server=host1&address=10.0.0.2&port=5432',
    'role=boss',
    'group=x',
    'max_lag=7',
    'port=x',
    'server=a&server=b',
  ]) {
    const {status, body} = await api.ask(`/v1/check?${query}`)
    if (query === 'max_lag=7') continue
    expect({status, ...JSON.parse(body)}, query).toMatchObject({
      status: 503,
      exit: 2,
      ok: false,
      error: {code: expect.any(String)},
    })
  }
  const direct = answerCheck({
    snapshot: snapshot(draft),
    at: noon,
    host: 'host2',
    role: 'primary',
    maxLag: noLimits,
    group: null,
    via: 'daemon',
    reason: null,
  })
  expect(JSON.parse((await api.ask('/v1/check?server=host2')).body)).toMatchObject({
    text: 'text' in direct ? direct.text : '',
  })
})

test('the OpenAPI document names exactly the paths that answer, with their statuses', async () => {
  await using api = await started(draft)
  const document = JSON.parse((await api.ask('/openapi.json')).body)
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths).sort()).toEqual([
    '/',
    '/haproxy/{predicate}',
    '/livez',
    '/metrics',
    '/openapi.json',
    '/page.css',
    '/page.js',
    '/readyz',
    '/v1/changes',
    '/v1/check',
    '/v1/events',
    '/v1/groups/{group}',
    '/v1/hosts',
    '/v1/hosts/{host}',
    '/v1/hosts/{host}/accept',
    '/v1/hosts/{host}/drain',
    '/v1/hosts/{host}/probe',
    '/v1/hosts/{host}/resume',
    '/v1/hosts/{host}/{predicate}',
    '/v1/instances',
    '/v1/instances/adopt',
    '/v1/maintenance',
    '/v1/node/{host}',
    '/v1/primaries',
    '/v1/primary',
    '/v1/reload',
    '/v1/routers',
    '/v1/snapshot',
    '/v1/standbys',
    '/v1/switchover',
    '/v1/unknown-addresses',
    '/v1/view',
    '/v1/{host}/availability',
    '/v1/{host}/status',
  ])
  const seen = new Set<string>()
  for (const [path, operations] of Object.entries<
    Record<string, {operationId: string; parameters: {name: string; in: string}[]; responses: object}>
  >(document.paths)) {
    for (const [method, {operationId, parameters, responses}] of Object.entries(operations)) {
      expect(seen.has(operationId), operationId).toBe(false)
      seen.add(operationId)
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect(
        parameters.filter((one) => one.in === 'path').map(({name}) => name),
        path,
      ).toEqual(inPath)
      const real = path.replace('{host}', 'host1').replace('{group}', 'all').replace('{predicate}', 'health')
      const headers = {'x-haproxy-server-state': 'UP; name=be/host1'}
      const {status} = await api.ask(real, {method: method === 'get' ? 'HEAD' : 'POST', headers})
      expect(Object.keys(responses), `${method} ${real}`).toContain(String(status))
    }
  }
})

const promtool = '/usr/bin/promtool'
test('metrics show the snapshot and count events', async () => {
  const metrics = createMetrics('0.1.0', () => noon.wall)
  await using api = await started(draft, {}, {metrics})
  metrics.meter.connectionOpened('host1', null)
  metrics.watches([{name: 'all', hosts: ['host1', 'host2']}])
  metrics.meter.probed('host1', 0.7)
  metrics.meter.failed('host4', 'refused')
  api.source.publish({...draft, verdict: unconfirmed('host1')}, change('host2', 'primary', 'standby'))
  const {body, headers} = await api.ask('/metrics')
  expect(headers['content-type']).toContain('version=0.0.4')
  for (const line of [
    `pgroute66_build_info{version="0.1.0",node="${process.version}"} 1`,
    'pgroute66_host_up{host="host1"} 1',
    'pgroute66_host_up{host="host4"} 0',
    'pgroute66_host_role{host="host2",role="standby"} 1',
    'pgroute66_host_role{host="host2",role="primary"} 0',
    'pgroute66_host_timeline{host="host1"} 3',
    'pgroute66_host_replay_lag_bytes{host="host2"} 2048',
    'pgroute66_group_primaries{group="all"} 1',
    'pgroute66_group_verdict{group="all",verdict="unconfirmed"} 1',
    'pgroute66_group_verdict{group="all",verdict="primary"} 0',
    'pgroute66_group_situation{group="all",situation="not-confirmed"} 1',
    'pgroute66_group_situation{group="all",situation="healthy"} 0',
    'pgroute66_connections_opened_total{host="host1"} 1',
    'pgroute66_probe_failures_total{host="host4",cause="refused"} 1',
    'pgroute66_probe_duration_seconds_count{group="all"} 1',
    'pgroute66_host_probe_seconds{host="host1"} 0.0004',
    'pgroute66_role_transitions_total{host="host2",from="primary",to="standby"} 1',
    `pgroute66_host_last_success_timestamp_seconds{host="host1"} ${noon.wall / 1000}`,
    'pgroute66_config_last_reload_successful 1',
  ])
    expect(body.split('\n'), line).toContain(line)
  expect(body).not.toContain('pgroute66_host_replay_lag_bytes{host="host3"}')
  expect(body).toMatch(/^pgroute66_event_loop_lag_seconds [\d.e-]+$/m)
  // A host that has left the configuration leaves no gauge behind.
  api.source.set({hosts: {host1: primary()}})
  expect((await api.ask('/metrics')).body).not.toMatch(/^pgroute66_host_\w+\{host="host4"/m)
})

test.skipIf(!existsSync(promtool))('promtool accepts the metrics', async () => {
  await using api = await started({
    ...draft,
    evidence: [
      {
        source: 'followers',
        subject: 'host1',
        answer: 'confirms',
        contradictsSql: false,
        required: true,
        why: '',
        askedAt: noon.now,
      },
    ],
  })
  const {body} = await api.ask('/metrics')
  const {status, stdout, stderr} = spawnSync(promtool, ['check', 'metrics'], {input: body, encoding: 'utf8'})
  expect(`${stdout}${stderr}`).toBe('')
  expect(status).toBe(0)
})
if (!existsSync(promtool))
  process.stderr.write('NOT TESTED: promtool is missing (Debian package prometheus), so the metrics were not checked\n')
