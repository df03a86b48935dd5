import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {load} from 'js-yaml'
import {beforeAll, expect, test} from 'vitest'
import {createMetrics} from '../../src/api/metrics.ts'
import {change} from '../support/fake-source.ts'
import {anchors} from '../support/markdown.ts'
import {lacks} from '../support/parts.ts'
import {noon, primary, standby, unavailable} from '../support/snapshots.ts'
import {started} from './started.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const file = 'packaging/prometheus/alerts.yml'
type Alert = Readonly<{alert: string; expr: string; annotations: Readonly<{runbook: string}>}>
const alerts = (load(read(file)) as {groups: readonly {rules: readonly Alert[]}[]}).groups.flatMap(({rules}) => rules)

/** The metrics of a daemon that has counted at least one of everything. */
async function allMetrics(): Promise<string> {
  const metrics = createMetrics('0.1.0', () => noon.wall)
  const hosts = {
    host1: primary(),
    host2: standby('host1', {delayed: {delayMs: 3_600_000, isReadable: false}}),
    host3: unavailable('auth'),
  }
  const target = {status: 'in-sync', problems: [], since: noon.wall, verifiedAt: noon.wall} as const
  const evidence = {
    source: 'followers',
    subject: 'host1',
    answer: 'confirms',
    contradictsSql: false,
    required: true,
    why: '',
    askedAt: 0,
  } as const
  const draft = {hosts, actuators: {'haproxy /run/haproxy/admin.sock': target}, evidence: [evidence]}
  await using api = await started(draft, {}, {metrics})
  api.source.publish(draft, change('host2', 'primary', 'standby'))
  metrics.meter.connectionOpened('host1', noon.wall + 86_400_000)
  metrics.meter.probed('host1', 0.7)
  metrics.meter.failed('host3', 'auth')
  metrics.meter.alarmed('host3')
  metrics.namedOnly('host1')
  metrics.ordered({order: 'drain', door: 'none', outcome: 'refused'})
  metrics.applied('haproxy /run/haproxy/admin.sock', 'applied')
  metrics.stage({stage: 'applied', actuator: 'haproxy /run/haproxy/admin.sock', ms: 3})
  return (await api.ask('/metrics')).body
}

let lines: readonly string[] = []
beforeAll(async () => {
  lines = (await allMetrics()).split('\n')
})

/** Names and, in braces, the labels that they are looked up by: `{verdict="primary"}`. */
const used = (text: string) =>
  [...text.matchAll(/\b(pgroute66_\w+)(?:\{([^}]*)\})?/g)].map(([, name = '', labels]) => ({name, labels}))

test.each(['docs/monitoring.md', ...alerts.map(({alert}) => alert)])('%s uses only metrics that exist', (where) => {
  const text = where.endsWith('.md') ? read(where) : (alerts.find(({alert}) => alert === where)?.expr ?? '')
  const isThere = ({name, labels}: ReturnType<typeof used>[number]) =>
    lines.some((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)) &&
    (labels?.split(',') ?? []).every((label) =>
      lines.some((line) => line.startsWith(`${name}{`) && line.includes(label.trim())),
    )
  expect(used(text).filter((one) => !isThere(one))).toEqual([])
  expect(used(text).length > 0 || /\b(up|node_systemd_unit_state)\{/.test(text)).toBe(true)
})

test('every alert has a section in the runbook and a unit test that raises it', () => {
  const known = anchors(read('docs/runbook.md')).map((anchor) => `docs/runbook.md#${anchor}`)
  for (const {alert, annotations} of alerts) expect(known, alert).toContain(annotations.runbook)
  const raised = new Set(
    [...read('packaging/prometheus/alerts.test.yml').matchAll(/alertname="(\w+)"/g)].map(([, name]) => name),
  )
  expect([...raised].sort()).toEqual(alerts.map(({alert}) => alert).sort())
})

test.skipIf(lacks('promtool'))('promtool accepts the alerts, and each is raised as expected', () => {
  for (const args of [
    ['check', 'rules', file],
    ['test', 'rules', 'packaging/prometheus/alerts.test.yml'],
  ]) {
    const {status, stdout, stderr} = spawnSync('promtool', args, {cwd: root, encoding: 'utf8'})
    expect(status, `${stdout}${stderr}`).toBe(0)
  }
})
