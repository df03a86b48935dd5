import {mkdtempSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, test, vi} from 'vitest'
import {applied, assignment} from '../../src/app/patroni/config-change.ts'
import {lsnOf} from '../../src/app/patroni/line.ts'
import {lagText} from '../../src/app/patroni/list.ts'
import {outcomeOf} from '../../src/app/patroni/move.ts'
import {ordered} from '../../src/app/patroni/outcome.ts'
import {serverVersion} from '../../src/app/patroni/reads.ts'
import type {OrderAnswer} from '../../src/patroni/answer.ts'
import {leaderOf} from '../../src/patroni/claim.ts'
import {PatroniError, usageError} from '../../src/patroni/error.ts'
import {json, type RawReply, type RawRequest, rawServer, sentence} from '../support/raw-server.ts'
import {run} from '../support/run.ts'

describe('edit-config', () => {
  test.each([
    ['ttl=30', {ttl: 30}],
    ['a.b.c=on', {a: {b: {c: 'on'}}}],
    ['pause=true', {pause: true}],
    ['standby_cluster=null', {standby_cluster: null}],
    ['a=', {a: null}],
    ['a={b: [1, 2]}', {a: {b: [1, 2]}}],
  ])('--set %s', (text, patch) => expect(assignment(text)).toEqual(patch))

  test.each(['ttl', '=5', 'a..b=1', 'a b=1'])('--set %s is refused', (text) =>
    expect(() => assignment(text)).toThrow(/is no KEY=VALUE/),
  )

  test('a patch is applied as Patroni does: objects are merged, null removes, a list is replaced', () => {
    const before = {ttl: 30, pause: true, postgresql: {parameters: {a: 1, b: 2}, hba: ['x']}}
    const patch = {pause: null, postgresql: {parameters: {b: null, c: 3}, hba: ['y']}}
    expect(applied(before, patch)).toEqual({ttl: 30, postgresql: {parameters: {a: 1, c: 3}, hba: ['y']}})
  })
})

test.each([
  [0, '0B'],
  [664, '664B'],
  [1536, '1.5kB'],
  [16 * 1024 ** 2, '16MB'],
  ['unknown', '?'],
  [null, ''],
] as const)('a lag of %s is %s', (lag, text) => expect(lagText(lag)).toBe(text))

test.each([
  [83886272, '0/50000C0'],
  [2 ** 32, '1/0'],
  [0, '0/0'],
])('position %i is %s', (bytes, text) => expect(lsnOf(bytes)).toBe(text))

test.each([
  [150018, '15.18'],
  [90503, '9.5.3'],
  [undefined, null],
] as const)('server_version %s is %s', (number, text) => expect(serverVersion(number)).toBe(text))

describe('what became of a switchover', () => {
  const leader = leaderOf([])
  const answer = (outcome: OrderAnswer['outcome'], text: string): OrderAnswer =>
    ({status: 200, headers: {}, raw: text, data: text, member: 'm', outcome, text}) as const
  const error = new PatroniError({reason: 'closed', delivery: 'maybe-sent', member: 'm', message: 'closed'})

  test.each([
    ['a refusal', {answer: answer('refused', 'no'), error: null, isMoved: null, leader: null}, 'refused'],
    ['a failure', {answer: answer('failed', 'Switchover failed'), error: null, isMoved: null, leader: null}, 'failed'],
    ['done and read', {answer: answer('done', 'ok'), error: null, isMoved: true, leader}, 'done'],
    ['done, and not read', {answer: answer('done', 'ok'), error: null, isMoved: null, leader}, 'unknown'],
    ['a lost answer, and moved', {answer: null, error, isMoved: true, leader}, 'done'],
    ['a lost answer, and not moved', {answer: null, error, isMoved: false, leader}, 'unknown'],
  ] as const)('%s', (_, moved, kind) => expect(outcomeOf(moved).kind).toBe(kind))
})

describe('what became of another order', () => {
  const said = (outcome: OrderAnswer['outcome']) => async () =>
    ({status: 200, headers: {}, raw: '', data: '', member: 'm', outcome, text: 'its words'}) as OrderAnswer
  const lost = async () => {
    throw new PatroniError({reason: 'timeout', delivery: 'maybe-sent', member: 'm', message: 'no answer'})
  }
  test.each([
    ['refused', said('refused'), 'done', 'refused'],
    ['failed', said('failed'), 'done', 'failed'],
    ['taken and seen', said('done'), 'done', 'done'],
    ['taken, and not seen yet', said('done'), 'accepted', 'accepted'],
    ['not known to Patroni, and seen', said('unknown'), 'done', 'done'],
    ['not known to Patroni, and not seen', said('unknown'), 'accepted', 'unknown'],
    ['lost, and seen', lost, 'done', 'done'],
    ['lost, and not seen', lost, 'accepted', 'unknown'],
  ] as const)('%s', async (_, send, kind, wanted) => {
    expect((await ordered(send, async (text) => ({kind, text}))).kind).toBe(wanted)
  })

  test('certainly not sent: no outcome', async () => {
    await expect(ordered(async () => Promise.reject(usageError('no')), vi.fn())).rejects.toThrow('no')
  })
})

describe('a member that is not what it should be', () => {
  const members = (url: string) => [{name: 'node1', role: 'leader', state: 'running', api_url: `${url}/patroni`}]
  const status = {
    state: 'running',
    role: 'primary',
    timeline: 7,
    patroni: {version: '4.1.4', scope: 'pg', name: 'node1'},
  }
  const patroni = (...args: readonly string[]) => run(['patroni', ...args])

  test('no Patroni: list tells that no member answers', async () => {
    await using server = await rawServer(() => 'HTTP/1.1 200 OK\r\n\r\n<html>')
    const {code, stdout} = await patroni('list', '--url', server.url)
    expect([code, stdout]).toEqual([3, expect.stringContaining('? (malformed)')])
  })

  test('each member is asked for itself before GET /cluster, which makes the DCS look fresh', async () => {
    let url = ''
    await using server = await rawServer(({path}) => json(path === '/cluster' ? {members: members(url)} : status))
    url = server.url
    const {code} = await patroni('list', '--url', url)
    const [first, ...others] = server.requests.map(({path}) => path)
    expect([code, first, others.filter((path) => path === '/leader')]).toEqual([0, '/leader', []])
    expect(others).toContain('/cluster')
  })

  test('an api_url that is none: the member is shown, and cannot be asked', async () => {
    let url = ''
    const told = () => [
      ...members(url),
      {name: 'node2', role: 'replica', state: 'running', host: '::1', port: 5433, api_url: 'unset:x'},
    ]
    await using server = await rawServer(({path}) => json(path === '/cluster' ? {members: told()} : status))
    url = server.url
    const {code, stdout} = await patroni('list', '--url', url)
    expect([code, stdout]).toEqual([0, expect.stringMatching(/node1 .* Leader[\s\S]*node2 .*\[::1\]:5433.* Replica/)])
  })

  test('its text cannot move the cursor of the terminal', async () => {
    const reply = ({path}: RawRequest) => json(path === '/cluster' ? {members: []} : {...status, state: 'r\u001b[2J'})
    await using server = await rawServer(reply)
    const {stdout} = await patroni('list', '--url', server.url)
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toContain('r [2J')
  })

  test('an order that is answered by nothing may be done: exit 4, sent once', async () => {
    let url = ''
    const reply = ({method, path}: RawRequest): RawReply =>
      method === 'POST' ? 'close' : json(path === '/cluster' ? {members: members(url)} : status)
    await using server = await rawServer(reply)
    url = server.url
    const {code, stderr} = await patroni('restart', 'node1', '--yes', '--url', server.url)
    expect([code, stderr]).toEqual([4, expect.stringMatching(/^node1: unknown whether it was done: POST /)])
    expect(server.requests.filter(({method}) => method === 'POST')).toHaveLength(1)
  })

  test('the configuration, the pause and a schedule too: by what is read, else exit 4', async () => {
    let config: object = {ttl: 30}
    const reply = ({method, path, body}: RawRequest): RawReply => {
      if (method === 'PATCH') config = {...config, ...(JSON.parse(body) as object)}
      if (method !== 'GET') return 'close'
      const scheduled_switchover = {at: '2027-01-31T03:00:00+01:00', from: 'node1'}
      if (path === '/cluster') return json({members: members(url), scheduled_switchover})
      return json(path === '/config' ? config : {...status, pause: true})
    }
    let url = ''
    await using server = await rawServer(reply)
    url = server.url
    const at = ['--yes', '--url', url]
    const folder = mkdtempSync(join(tmpdir(), 'pgroute66-patroni-'))
    writeFileSync(join(folder, 'other.yml'), 'ttl: 40\n')
    // PATCH is done although its answer is lost, PUT and DELETE are not.
    expect(await patroni('edit-config', '--set', 'ttl=20', ...at)).toMatchObject({code: 0})
    expect(await patroni('pause', ...at)).toMatchObject({code: 0, stdout: expect.stringContaining('1 members tell so')})
    const unknown = {code: 4, stderr: expect.stringMatching(/^unknown whether it was done: /)}
    expect(await patroni('switchover', '--cancel', ...at)).toMatchObject(unknown)
    expect(await patroni('edit-config', '--replace', join(folder, 'other.yml'), ...at)).toMatchObject(unknown)
    expect(server.requests.filter(({method}) => method !== 'GET').map(({method}) => method)).toEqual([
      'PATCH',
      'PATCH',
      'DELETE',
      'PUT',
    ])
  })

  test('without its password Patroni refuses, and with it the order is sent', async () => {
    let url = ''
    const reply = ({method, path, head}: RawRequest): RawReply => {
      if (method === 'GET') return json(path === '/cluster' ? {members: members(url)} : status)
      const isKnown = head.includes(Buffer.from('admin:s3cret').toString('base64'))
      return isKnown ? sentence('reload scheduled', '202 Accepted') : sentence('no auth header received', '401 X')
    }
    await using server = await rawServer(reply)
    url = server.url
    const bare = await patroni('reload', 'node1', '--yes', '--url', url)
    expect([bare.code, bare.stderr]).toEqual([1, 'node1: refused: no auth header received\n'])
    const missing = await patroni(
      'reload',
      'node1',
      '--yes',
      '--url',
      url,
      '--user',
      'admin',
      '--password-file',
      '/none',
    )
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('/none cannot be read (ENOENT)')])
  })
})
