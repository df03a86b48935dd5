import {existsSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import type {Router} from '../../src/core/router.ts'
import {until} from '../../src/demo/wait-until.ts'
import {type Browser, startChromium} from '../support/chromium.ts'
import {lacks} from '../support/parts.ts'
import {drained, noon, primary, type SnapshotDraft, standby, unavailable} from '../support/snapshots.ts'
import {started} from './started.ts'

const calm: SnapshotDraft = {hosts: {host1: primary(), host2: standby('host1'), host3: standby('host1', {drained})}}
const torn: SnapshotDraft = {
  hosts: {host1: primary(), host2: primary({timeline: 4}), host3: unavailable('refused')},
  verdict: {
    ...{
      kind: 'split-brain',
      rule: 'V1',
      primary: null,
      routedTo: null,
      suspect: 'host1',
      primaries: ['host1', 'host2'],
    },
    why: 'host1 (timeline 3) and host2 (timeline 4) are both primary',
  },
  maintenance: {since: noon.wall, by: 'anna', reason: 'new disks', until: null},
}
const routers: readonly Router[] = [
  {
    ...{name: 'haproxy /run/haproxy/admin.sock', kind: 'haproxy', readAt: noon.wall},
    servers: [
      {
        ...{backend: 'pg_write', role: 'primary', server: 'host1', host: 'host1', address: '10.0.0.1', port: 5432},
        ...{state: 'up', sessions: 7},
      },
    ],
  },
  {
    ...{name: 'pgbouncer 127.0.0.1:6432', kind: 'pgbouncer', readAt: null},
    databases: [
      {
        ...{name: 'app', role: 'primary', group: null, leadsTo: null, hosts: [], paused: {by: 'another'}},
        ...{isDisabled: true, connections: 3},
      },
    ],
  },
  {name: 'agent 127.0.0.1:8009', kind: 'agent', questions: []},
  {name: 'hook page-me', kind: 'hook', waiting: 2, lost: 1, on: null},
]
const evil = '<script>alert(1)</script><img src=x onerror="alert(2)">\u202e'

test('the page has verdict, hosts, routers and changes in its HTML, and loads its own two files alone', async () => {
  const change = {kind: 'role', group: null, host: 'host2', from: 'unavailable', to: 'standby', rule: null} as const
  const pastChanges = () => [
    {at: noon.wall, epoch: '9f2c41', sequence: 3, change: {...change, why: 'answers as standby'}},
  ]
  await using api = await started(calm, {}, {routers: () => routers, pastChanges})
  const {status, headers, body} = await api.ask('/')
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-store',
  ])
  for (const text of [
    'PRIMARY host1',
    'host3',
    'drained by alice',
    'host1 up · 7',
    'paused by another',
    'answers as standby',
  ])
    expect(body).toContain(text)
  expect([...body.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url)).toEqual([
    'data:,',
    '/page.css',
    '/page.js',
    '/v1/changes',
  ])
  expect(body).not.toMatch(/<style| style=| on\w+=|<script>/)
  for (const [path, type] of [
    ['/page.css', 'text/css'],
    ['/page.js', 'text/javascript'],
  ]) {
    const answered = await api.ask(path ?? '')
    expect([answered.status, answered.headers['content-type']]).toEqual([200, `${type}; charset=utf-8`])
  }
})

test('a strict policy: no inline code, no other origin, no frame, no form', async () => {
  await using api = await started(calm)
  for (const path of ['/', '/page.js', '/page.css']) {
    const {headers} = await api.ask(path)
    const policy = String(headers['content-security-policy'])
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(headers['x-content-type-options']).toBe('nosniff')
  }
})

test('what a server or an operator wrote is text, in every part', async () => {
  const hosts = {
    host1: primary({drained: {since: noon.wall, by: evil, reason: evil}}),
    host2: unavailable('error', {detail: evil}),
  }
  const verdict = {kind: 'primary', rule: 'V4', primary: 'host1', routedTo: null, why: evil} as const
  const maintenance = {since: noon.wall, by: evil, reason: evil, until: null}
  const actuators = {[evil]: {status: 'out-of-sync', problems: [evil], since: noon.wall, verifiedAt: null}} as const
  const asked: Router = {
    ...{name: evil, kind: 'agent'},
    questions: [{client: evil, question: evil, answer: evil, askedAt: noon.wall}],
  }
  await using api = await started({hosts, verdict, maintenance, actuators}, {}, {routers: () => [asked]})
  const {body} = await api.ask('/')
  expect(body).not.toMatch(/<script>|<img|\u202e/)
  expect(body.match(/&lt;script&gt;alert\(1\)/g)?.length).toBeGreaterThan(8)
})

describe.skipIf(lacks('chromium'))('in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser[Symbol.asyncDispose]())
  const comes = (look: () => Promise<boolean>) => until(look)

  test('a failover is seen live, without loading the page again', async () => {
    await using api = await started(calm)
    const page = await browser.open(`${api.url}/`)
    const verdict = () => page.read<string>("document.querySelector('.verdict h2').textContent.trim()")
    expect(await verdict()).toBe('● PRIMARY host1')
    await page.read('window.isSame = true')
    api.source.set(torn)
    await comes(async () => (await verdict()) === '▲ SPLIT BRAIN host1, host2, routed to NONE')
    expect(await page.read('document.title')).toBe('SPLIT BRAIN host1, host2, routed to NONE - pgroute66')
    expect(await page.read('document.body.innerText')).toMatch(/Maintenance by anna.*new disks[\s\S]*Suspect: host1/)
    expect([await page.read('window.isSame'), page.errors]).toEqual([true, []])
  })

  test('a daemon that is gone: the page says that it is old, and recovers when the daemon is back', async () => {
    const first = await started(calm)
    const port = Number(new URL(first.url).port)
    const page = await browser.open(`${first.url}/`)
    const old = () => page.read<boolean>("!document.getElementById('old').hidden && document.body.matches('.old')")
    expect(await old()).toBe(false)
    await first[Symbol.asyncDispose]()
    await comes(old)
    expect(await page.read("document.getElementById('old').textContent")).toMatch(/has not answered for \d+ s/)
    const second = await started(calm, {port})
    onTestFinished(() => second[Symbol.asyncDispose]())
    await comes(async () => !(await old()))
  })

  test('without JavaScript all is there, and the page loads itself again', async () => {
    await using api = await started(torn, {}, {routers: () => routers})
    const page = await browser.open(`${api.url}/`, {hasScript: false})
    const text = await page.read<string>('document.body.innerText')
    for (const part of ['SPLIT BRAIN', 'host3', 'refused', 'host1 up · 7']) expect(text).toContain(part)
    expect(await page.read("document.querySelector('meta[http-equiv=refresh]')?.content")).toBe('5')
  })

  const axe = fileURLToPath(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url))
  const lacksAxe = process.env.CI !== 'true' && !existsSync(axe)
  const looks = [calm, torn].flatMap((draft) =>
    [390, 1400].flatMap((width) => [false, true].map((isDark) => ({draft, width, isDark}))),
  )
  test.each(looks)('$width cells, dark: $isDark: nothing overflows, and the policy stops nothing', async (look) => {
    await using api = await started(look.draft, {}, {routers: () => routers})
    const page = await browser.open(`${api.url}/`, look)
    expect(await page.read('document.documentElement.scrollWidth')).toBe(look.width)
    expect(page.errors).toEqual([])
  })

  test.skipIf(lacksAxe).each(looks)('axe finds nothing: $width, dark: $isDark', async (look) => {
    await using api = await started(look.draft, {}, {routers: () => routers})
    const page = await browser.open(`${api.url}/`, look)
    await page.read(`${readFileSync(axe, 'utf8')}; true`)
    const found = await page.read<readonly string[]>(
      "axe.run().then(({violations}) => violations.map((one) => one.impact + ' ' + one.id + ' ' + one.nodes[0].html))",
    )
    expect(found).toEqual([])
  })
})
