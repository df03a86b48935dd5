import {expect, onTestFinished, test} from 'vitest'
import type {Router} from '../../src/core/router.ts'
import {routersFromWire} from '../../src/protocol/routers-reader.ts'
import {daemonSource} from '../../src/sources/daemon/daemon-source.ts'
import {realClock} from '../support/fake-source.ts'
import {noon, primary, type SnapshotDraft, standby} from '../support/snapshots.ts'
import {answerJudge} from './openapi-requests.ts'
import {started} from './started.ts'

const draft: SnapshotDraft = {
  hosts: {host1: primary(), host2: standby('host1')},
  actuators: {
    'haproxy /run/haproxy.sock': {
      status: 'out-of-sync',
      problems: ['/run/haproxy.sock refuses connections'],
      since: noon.wall,
      verifiedAt: noon.wall - 1_000,
    },
  },
}
const routers: readonly Router[] = [
  {
    name: 'haproxy /run/haproxy.sock',
    kind: 'haproxy',
    readAt: noon.wall - 1_000,
    servers: [
      {
        backend: 'pg_write',
        role: 'primary',
        server: 'host1',
        host: 'host1',
        address: '10.0.0.1',
        port: 5432,
        state: 'up',
        sessions: 7,
      },
    ],
  },
  {
    name: 'pgbouncer 127.0.0.1:6432',
    kind: 'pgbouncer',
    readAt: null,
    databases: [
      {
        name: 'app',
        role: 'primary',
        group: null,
        leadsTo: {host: '10.0.0.1', port: 5432},
        hosts: ['host1'],
        paused: {by: 'pgroute66'},
        isDisabled: false,
        connections: 3,
      },
    ],
  },
  {
    name: 'agent 127.0.0.1:8009',
    kind: 'agent',
    questions: [{client: '10.0.0.7', question: 'host1 primary', answer: 'ready up 100%', askedAt: noon.wall - 400}],
  },
  {name: 'hook /usr/local/bin/page-me', kind: 'hook', waiting: 2, lost: 1, on: ['split-brain']},
]

test('/v1/routers has each router as it was last read, with its status', async () => {
  await using api = await started(draft, {}, {routers: () => routers})
  const answered = await api.ask('/v1/routers')
  const {status, body, headers} = answered
  expect([status, headers['cache-control']]).toEqual([200, 'no-store'])
  const document = JSON.parse((await api.ask('/openapi.json')).body)
  const {get: operation} = document.paths['/v1/routers']
  expect(answerJudge(document)({operation, method: 'GET'}, answered)).toBe(null)
  const {routers: shown, ...rest} = JSON.parse(body)
  expect(rest).toEqual({schema: 1, epoch: '9f2c41', at: expect.any(String), maintenance: false})
  expect(shown).toEqual([
    {
      name: 'haproxy /run/haproxy.sock',
      kind: 'haproxy',
      status: 'out-of-sync',
      problems: ['/run/haproxy.sock refuses connections'],
      since: new Date(noon.wall).toISOString(),
      verified_at: new Date(noon.wall - 1_000).toISOString(),
      read_at: new Date(noon.wall - 1_000).toISOString(),
      servers: [
        {
          backend: 'pg_write',
          role: 'primary',
          server: 'host1',
          host: 'host1',
          address: '10.0.0.1',
          port: 5432,
          state: 'up',
          sessions: 7,
        },
      ],
    },
    {
      ...unreported('pgbouncer 127.0.0.1:6432', 'pgbouncer'),
      read_at: null,
      databases: [
        {
          name: 'app',
          role: 'primary',
          group: null,
          leads_to: {host: '10.0.0.1', port: 5432},
          hosts: ['host1'],
          paused: {by: 'pgroute66'},
          disabled: false,
          connections: 3,
        },
      ],
    },
    {
      ...unreported('agent 127.0.0.1:8009', 'agent'),
      questions: [
        {
          client: '10.0.0.7',
          question: 'host1 primary',
          answer: 'ready up 100%',
          asked_at: new Date(noon.wall - 400).toISOString(),
        },
      ],
    },
    {...unreported('hook /usr/local/bin/page-me', 'hook'), waiting: 2, lost: 1, on: ['split-brain']},
  ])
})

const unreported = (name: string, kind: string) => ({
  ...{name, kind, status: null, problems: [], since: null, verified_at: null},
})

test('a client of the daemon reads the routers as the daemon has them', async () => {
  await using api = await started(draft, {}, {routers: () => routers})
  const source = await daemonSource({at: {url: api.url}, clock: realClock(), random: Math.random})
  onTestFinished(() => source[Symbol.asyncDispose]())
  expect(await source.routers?.()).toEqual(routers)
})

test('a client leaves out a kind of router that it does not know, and takes no other document for routers', () => {
  expect(routersFromWire({schema: 1, routers: [{name: 'odyssey', kind: 'odyssey'}]})).toEqual([])
  for (const other of [null, [], {schema: 2, routers: []}, {schema: 1, routers: {}}])
    expect(() => routersFromWire(other)).toThrow(SyntaxError)
  expect(() => routersFromWire({schema: 1, routers: [{name: 'x', kind: 'agent'}]})).toThrow(SyntaxError)
})
