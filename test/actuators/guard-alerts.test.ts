import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {load} from 'js-yaml'
import {expect, test} from 'vitest'
import {anchors} from '../support/markdown.ts'
import {lacks} from '../support/parts.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const file = 'packaging/prometheus/guard-alerts.yml'
type Alert = Readonly<{alert: string; expr: string; annotations: Readonly<{runbook: string}>}>
const {groups} = load(read(file)) as {groups: readonly {rules: readonly Alert[]}[]}
const alerts = groups.flatMap(({rules}) => rules)
const report = read('src/app/node/guard/report.ts')

test.each(alerts)('$alert uses only metrics of the guard, and its runbook exists', ({expr, annotations}) => {
  const names = [...expr.matchAll(/pgroute66_guard_(\w+)/g)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(0)
  expect(names.filter((name) => !report.includes(`'${name}'`))).toEqual([])
  const [page = '', anchor = ''] = annotations.runbook.split('#')
  expect(anchors(read(page))).toContain(anchor)
})

test.skipIf(lacks('promtool'))('promtool accepts them', () => {
  expect(spawnSync('promtool', ['check', 'rules', join(root, file)]).status).toBe(0)
})
