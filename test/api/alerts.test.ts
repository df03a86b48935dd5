import {spawnSync} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {load} from 'js-yaml'
import {beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import {createMetrics} from '../../src/api/metrics.ts'
import type {SnapshotSource} from '../../src/core/ports.ts'
import {change} from '../support/fake-source.ts'
import {anchors} from '../support/markdown.ts'
import {lacks} from '../support/parts.ts'
import {noon, primary, standby, unavailable} from '../support/snapshots.ts'
import {started} from './started.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const file = 'packaging/prometheus/alerts.yml'
type Alert = Readonly<{alert: string; expr: string; annotations: Readonly<{runbook_url: string}>}>
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
  const config = {hash: '3f1c9a', loadedAt: noon.wall}
  const draft = {hosts, actuators: {'haproxy /run/haproxy/admin.sock': target}, evidence: [evidence], config}
  await using api = await started(draft, {}, {metrics})
  api.source.publish(draft, change('host2', 'primary', 'standby'))
  metrics.meter.connectionOpened('host1', noon.wall + 86_400_000)
  metrics.watches([{name: 'all', hosts: ['host1']}])
  metrics.meter.probed('host1', 0.7)
  metrics.meter.failed('host3', 'auth')
  metrics.meter.alarmed('host3')
  metrics.namedOnly('host1')
  metrics.ordered({order: 'drain', door: 'none', outcome: 'refused'})
  metrics.applied('haproxy /run/haproxy/admin.sock', 'applied')
  metrics.shares({
    own: {} as SnapshotSource,
    adopt: async () => '',
    describe: () => ({
      set: 'prod',
      id: 'lb1',
      config_hash: 'c1',
      adopted: null,
      registry: {lost: null, lease_valid: true, size_bytes: 1, quota_bytes: 2},
      warnings: [],
      instances: [],
      groups: {},
    }),
  })
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

/** Labels that a variable of the dashboard chooses (`job=~"$job"`) are those of Prometheus, or any. */
const isThere = ({name, labels}: ReturnType<typeof used>[number]) =>
  lines.some((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)) &&
  (labels?.split(',') ?? []).every((label) => {
    const [chosen] = /^(\w+)=~"\$\w+"$/.exec(label.trim())?.slice(1) ?? []
    if (chosen === 'job' || chosen === 'instance') return true
    return lines.some((line) => line.startsWith(`${name}{`) && line.includes(chosen ? `${chosen}="` : label.trim()))
  })

test.each(['docs/monitoring.md', ...alerts.map(({alert}) => alert)])('%s uses only metrics that exist', (where) => {
  const text = where.endsWith('.md') ? read(where) : (alerts.find(({alert}) => alert === where)?.expr ?? '')
  expect(used(text).filter((one) => !isThere(one))).toEqual([])
  expect(used(text).length > 0 || /\b(up|node_systemd_unit_state)\{/.test(text)).toBe(true)
})

test('every alert has a section in the runbook and a unit test that raises it', () => {
  const base = '{{ with $externalLabels.runbook_base }}{{ . }}{{ else }}file:///usr/share/doc/pgroute66{{ end }}'
  const known = anchors(read('docs/runbook.md')).map((anchor) => `${base}/runbook.md#${anchor}`)
  for (const {alert, annotations} of alerts) expect(known, alert).toContain(annotations.runbook_url)
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

describe('the dashboard', () => {
  type Panel = Readonly<{
    id: number
    type: string
    title: string
    targets?: readonly {expr: string; legendFormat: string}[]
  }>
  type Variable = Readonly<{name: string; query: string}>
  type Dashboard = Readonly<{panels: readonly Panel[]; templating: Readonly<{list: readonly Variable[]}>}>
  const text = read('packaging/grafana/pgroute66.json')
  const {panels, templating} = JSON.parse(text) as Dashboard
  const drawn = panels.filter(({type}) => type !== 'row')

  test.each(drawn.map((panel) => [panel.title, panel] as const))(
    '%s draws metrics and labels that exist',
    (_, panel) => {
      expect(panel.targets?.length).toBeGreaterThan(0)
      for (const {expr, legendFormat} of panel.targets ?? []) {
        expect(used(expr).length, expr).toBeGreaterThan(0)
        expect(used(expr).filter((one) => !isThere(one))).toEqual([])
        const [first] = used(expr)
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect(
            label === 'instance' ||
              lines.some((line) => line.startsWith(`${first?.name}{`) && line.includes(`${label}="`)),
            `${label} of ${first?.name}`,
          ).toBe(true)
      }
    },
  )

  test('its variables are those that the panels use, from metrics that exist', () => {
    expect(new Set(panels.map(({id}) => id)).size).toBe(panels.length)
    const names = templating.list.map(({name}) => name)
    const wanted = [...text.matchAll(/\$\{?(\w+)/g)]
      .map(([, name = '']) => name)
      .filter((name) => !name.startsWith('__'))
    expect([...new Set(wanted)].sort()).toEqual([...names].sort())
    for (const {query} of templating.list) expect(used(query).filter((one) => !isThere(one))).toEqual([])
  })

  test.skipIf(lacks('promtool'))('promtool accepts every expression', () => {
    const rules = drawn
      .flatMap(({targets}) => targets ?? [])
      .map(({expr}, index) => ({
        record: `panel:${index}`,
        expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h'),
      }))
    const place = mkdtempSync(join(tmpdir(), 'pgroute66-dashboard-'))
    onTestFinished(() => rmSync(place, {recursive: true, force: true}))
    writeFileSync(join(place, 'rules.yml'), JSON.stringify({groups: [{name: 'dashboard', rules}]}))
    const {status, stdout, stderr} = spawnSync('promtool', ['check', 'rules', join(place, 'rules.yml')], {
      encoding: 'utf8',
    })
    expect(status, `${stdout}${stderr}`).toBe(0)
  })
})
