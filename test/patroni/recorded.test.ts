import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {leaderWord} from '../../src/patroni/claim.ts'
import {PatroniError} from '../../src/patroni/error.ts'
import {type HealthPath, healthPaths} from '../../src/patroni/health-path.ts'
import {PatroniMember} from '../../src/patroni/member.ts'
import {Transport} from '../../src/patroni/transport.ts'
import {type RawServer, rawServer} from '../support/raw-server.ts'
import {bytesOf, type RecordedAnswer, type Recording, recordings} from './recorded.ts'

const all = recordings()
let playing: Recording | null = null
let server: RawServer
beforeAll(async () => {
  server = await rawServer(({method, path}) => {
    const answer = playing?.answers.find((one) => one.method === method && one.path === path)
    if (answer === undefined) throw new Error(`${playing?.name} has no ${method} ${path}`)
    return answer.lost === undefined ? bytesOf(answer) : answer.lost === 'closed' ? 'close' : 'hang'
  })
})
afterAll(() => server[Symbol.asyncDispose]())

type Call = (member: PatroniMember) => Promise<unknown>

/** The client's way to ask what was recorded; `null`: the client has none, because Patroni documents none. */
function callOf({method, path}: RecordedAnswer): Call | null {
  const [name = '', query = ''] = path.split('?')
  const {lag, mode, replication_state: replicationState, ...rest} = Object.fromEntries(new URLSearchParams(query))
  const tags = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key.replace('tag_', ''), value]))
  if (healthPaths.some((one) => one === name)) {
    if (mode !== undefined || Object.keys(rest).some((key) => !key.startsWith('tag_'))) return null
    const asked = {...(lag !== undefined && {lag}), ...(replicationState !== undefined && {replicationState}), tags}
    // URLSearchParams writes a space as "+", the recording was asked with "%20".
    if (path.includes('%20')) return null
    if (method === 'HEAD') return (member) => member.head(name as HealthPath, asked)
    return method === 'GET' ? (member) => member.health(name as HealthPath, asked) : null
  }
  if (method !== 'GET') return null
  const calls: Record<string, Call> = {
    '/patroni': (member) => member.status(),
    '/cluster': (member) => member.cluster(),
    '/history': (member) => member.history(),
    '/config': (member) => member.config(),
    '/metrics': (member) => member.metrics(),
    '/failsafe': (member) => member.failsafe(),
    '/liveness': (member) => member.liveness(),
    '/readiness': (member) => member.readiness({...(lag !== undefined && {lag}), ...(mode !== undefined && {mode})}),
  }
  return calls[name] ?? null
}

/** What the client must tell of a JSON body: every field of it, and the role by today's name. */
function told(path: string, body: string): unknown {
  const parsed = JSON.parse(body) as unknown
  if (path === '/history') {
    return (parsed as unknown[][]).map((raw) => {
      const [timeline, lsn, reason, at, leader] = raw
      return {timeline, lsn, reason, at, leader, raw}
    })
  }
  const {role} = parsed as {role?: string}
  return role === undefined
    ? parsed
    : {...(parsed as object), role: role === 'master' ? 'primary' : role, raw_role: role}
}

test('there are 72 recordings, of two versions', () => {
  expect(all).toHaveLength(72)
  expect([...new Set(all.map(({patroni}) => patroni))].sort()).toEqual(['3.0.2', '4.1.4'])
})

describe('every recorded answer comes through, with its status and every field', () => {
  test.each(all)('$name', async (recording) => {
    playing = recording
    const member = new PatroniMember(server.url, new Transport({}))
    const impatient = new PatroniMember(server.url, new Transport({}), 1_000)
    for (const answer of recording.answers) {
      const call = callOf(answer)
      if (call === null) continue
      const at = `${recording.name}: ${answer.method} ${answer.path}`
      if (answer.lost !== undefined) {
        const error = await call(answer.lost === 'timeout' ? impatient : member).catch((error: unknown) => error)
        expect(error, at).toBeInstanceOf(PatroniError)
        expect(error, at).toMatchObject({kind: 'transport', reason: answer.lost, delivery: 'maybe-sent'})
        continue
      }
      const heard = await call(member)
      if (typeof heard === 'boolean') {
        expect(heard, at).toBe(answer.status === 200)
        continue
      }
      const isJson = answer.type === 'application/json'
      const data = isJson ? told(answer.path, answer.body) : answer.type === 'text/plain' ? answer.body : null
      const headers = {date: answer.date, 'content-type': answer.type}
      const whole = {status: answer.status, raw: answer.body, data}
      expect({...(heard as object), headers: undefined}, at).toEqual({...whole, member: server.url, headers: undefined})
      expect((heard as {headers: object}).headers, at).toMatchObject(headers)
    }
  })
})

test('the client has a call for each documented question', () => {
  const isAsked = (path: string) => all.some(({answers}) => answers.some((one) => one.path === path && callOf(one)))
  expect(healthPaths.filter((path) => !isAsked(path))).toEqual([])
})

test('GET /leader of every recording: who claims, who is hollow, and why', () => {
  const words = all.flatMap(({name, answers}) => {
    const answer = answers.find(({method, path}) => method === 'GET' && path === '/leader')
    if (answer === undefined || answer.lost !== undefined || answer.status !== 200) return []
    const {status, body, date} = answer
    const data = told('/leader', body) as never
    const word = leaderWord({status, headers: {date}, raw: body, data, member: name}, 20)
    const what = word.kind === 'hollow' ? word.reason : word.kind === 'claim' ? word.of : word.kind
    return [`${name}: ${what}${word.kind === 'claim' && word.byFailsafe ? ' by failsafe' : ''}`]
  })
  expect(words).toMatchInlineSnapshot(`
    [
      "etcd-01-steady-node1: primary",
      "etcd3-00-replicas-cannot-start-node1: primary",
      "etcd3-01-steady-async-node1: primary",
      "etcd3-02-sync-mode-node1: primary",
      "etcd3-03-pending-restart-node1: primary",
      "etcd3-04-paused-node1: primary",
      "etcd3-06-replay-paused-by-hand-and-resumed-by-patroni-node1: primary",
      "etcd3-08-failsafe-mode-on-quiet-node1: primary",
      "etcd3-10-after-switchover-node2: primary",
      "etcd3-20-leader-killed-at-once-node1: state",
      "etcd3-21-leader-killed-cannot-restart-node1: role",
      "etcd3-23-after-thaw-replicas-stuck-on-higher-timeline-node3: primary",
      "etcd3-24-steady-failsafe-enabled-node3: primary",
      "etcd3-30-leader-cut-from-etcd-failsafe-on-node3: primary by failsafe",
      "etcd3-32-etcd-down-failsafe-off-early-node1: state",
      "etcd3-34-etcd-down-failsafe-on-node3: primary by failsafe",
      "etcd3-35-paused-second-primary-promoted-by-hand-node3: primary",
      "etcd3-40-standby-cluster-leader-node4: standby",
      "patroni414-01-steady-node1: primary",
      "patroni414-02-quorum-node1: primary",
      "patroni414-03-paused-node1: primary",
      "patroni414-04-leader-killed-node1: state",
      "patroni414-06-after-thaw-node3: primary",
      "patroni414-07-paused-etcd-down-node3: paused-and-unlocked",
    ]
  `)
})
