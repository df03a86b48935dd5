import {readFileSync, writeFileSync} from 'node:fs'
import type {IncomingMessage} from 'node:http'
import {expect, test} from 'vitest'
import {authorise} from '../../src/api/authorisation.ts'
import type {Context} from '../../src/api/context.ts'
import {ownerOfToken} from '../../src/api/tokens.ts'
import {keptLog} from '../support/fake-source.ts'
import {primary, standby} from '../support/snapshots.ts'
import {type Pair, selfSigned, tlsOf} from './certificates.ts'
import {ask, folder, started} from './started.ts'

const draft = {hosts: {host1: primary(), host2: standby()}}

test('a token sent over the network without TLS is refused before it is compared', async () => {
  using dir = folder()
  writeFileSync(dir.at('tokens'), 'anna right-is-right-0\n', {mode: 0o600})
  const asked = (remoteAddress: string | undefined) =>
    authorise(
      {headers: {authorization: 'Bearer right-is-right-0'}, socket: {remoteAddress}} as unknown as IncomingMessage,
      {config: {tokensFile: dir.at('tokens'), ssl: null}, log: keptLog()} as unknown as Context,
    )
  for (const near of ['127.0.0.1', '::1', '::ffff:127.0.0.1', undefined])
    expect(await asked(near)).toEqual({by: 'anna', door: 'token'})
  for (const far of ['10.0.0.7', '::ffff:10.0.0.7', 'fe80::1'])
    expect(await asked(far)).toMatchObject({refusal: {status: 403}})
})

test('tokens_file: a malformed line is no token; the log has its number, never its text', async () => {
  using dir = folder()
  const real = '0123456789abcdef0123'
  writeFileSync(dir.at('tokens'), `anna \nbob ${real} # until 2027\neve ${real}eve\n`, {mode: 0o600})
  const log = keptLog()
  const owner = (token: string) => ownerOfToken(token, dir.at('tokens'), log)
  expect(await Promise.all(['anna', '2027', real, `${real}eve`].map(owner))).toEqual([null, null, null, 'eve'])
  expect(log.lines[0]?.message).toMatch(/line 1, 2: not "TOKEN" or "NAME TOKEN"/)
  expect(JSON.stringify(log.lines)).not.toContain(real)
})

test('drain, resume and maintenance: valid orders are carried out, invalid ones refused', async () => {
  using dir = folder()
  await using api = await started(draft, {controlSocket: dir.at('c.sock')})
  const order = async (path: string, body: object) => {
    const sent = JSON.stringify(body)
    const headers = {'content-type': 'application/json', 'content-length': String(sent.length)}
    const {status, body: heard} = await ask(dir.at('c.sock'), path, {method: 'POST', headers, body: sent})
    return [status, JSON.parse(heard)]
  }
  expect(await order('/v1/hosts/host1/drain', {reason: 'disk'})).toEqual([
    200,
    {host: 'host1', done: 'host1 is drained'},
  ])
  expect(await order('/v1/hosts/host1/resume', {})).toMatchObject([200, {host: 'host1'}])
  expect(await order('/v1/hosts/host2/probe', {})).toEqual([
    200,
    {host: 'host2', role: 'standby', cause: null, done: 'host2 is a standby'},
  ])
  expect(await order('/v1/hosts/host9/probe', {})).toMatchObject([404, {code: 'UNKNOWN_HOST'}])
  expect(await order('/v1/hosts/host9/drain', {})).toMatchObject([404, {code: 'UNKNOWN_HOST'}])
  expect(await order('/v1/maintenance', {on: true, for: '2h', reason: 'racks'})).toMatchObject([
    200,
    {maintenance: true, done: 'done'},
  ])
  expect(await order('/v1/maintenance', {on: false})).toMatchObject([200, {maintenance: false, until: null}])
  for (const bad of [
    {},
    {on: 'yes'},
    {on: true, for: 7},
    {on: true, for: '7'},
    {on: true, for: '-1h'},
    {on: true, for: '0s'},
  ])
    expect(await order('/v1/maintenance', bad), JSON.stringify(bad)).toMatchObject([400, {}])
  expect(await order('/v1/maintenance', {on: true, for: '2'})).toMatchObject([
    400,
    {code: 'BODY', detail: '"for": "2" is a number without a unit', next: 'Send a duration such as "30min" or "2h".'},
  ])
  expect(api.accepted).toMatchObject([
    {drain: 'host1', reason: 'disk'},
    {resume: 'host1'},
    {isOn: true, untilMs: expect.any(Number), reason: 'racks'},
    {isOn: false, untilMs: null},
  ])
  for (const path of ['/v1/maintenance', '/v1/hosts/host1/probe'])
    expect((await api.ask(path, {method: 'POST'})).status).toBe(401)
})

test('accept: only by the control socket, a token or a client certificate', async () => {
  using dir = folder()
  const [server, client, stranger] = ['server', 'alice', 'mallory'].map((name) => selfSigned(dir.path, name)) as [
    Pair,
    Pair,
    Pair,
  ]
  writeFileSync(dir.at('tokens'), '# tokens\n\nbob s3cret-of-bob-00\nplain-token-0000\n', {mode: 0o600})
  await using api = await started(draft, {
    ssl: {...tlsOf(server), clientCa: {file: client.cert}},
    socket: dir.at('s.sock'),
    controlSocket: dir.at('c.sock'),
    tokensFile: dir.at('tokens'),
  })
  const path = '/v1/hosts/host1/accept'
  const body = JSON.stringify({reason: 'seen it'})
  const json = {'content-type': 'application/json', 'content-length': String(body.length)}
  const post = (where: string, headers: object, how: object = {}, sent = body) =>
    ask(where, path, {method: 'POST', headers: {...headers}, rejectUnauthorized: false, body: sent, ...how})
  const withCertificate = ({cert, key}: Pair) => ({cert: readFileSync(cert), key: readFileSync(key)})

  expect(await post(dir.at('c.sock'), json)).toMatchObject({
    status: 200,
    body: '{"host":"host1","done":"host1 is the primary"}',
  })
  expect(await post(dir.at('c.sock'), {'content-length': '0'}, {}, '')).toMatchObject({status: 200})
  const named = JSON.stringify({reason: null, by: 'root'})
  expect(await post(dir.at('c.sock'), {...json, 'content-length': named.length}, {}, named)).toMatchObject({
    status: 200,
  })
  expect(await post(api.url, {...json, authorization: 'Bearer s3cret-of-bob-00'})).toMatchObject({status: 200})
  expect(await post(dir.at('s.sock'), {...json, authorization: 'bearer plain-token-0000'})).toMatchObject({status: 200})
  expect(await post(api.url, json, withCertificate(client))).toMatchObject({status: 200})
  expect(await post(api.url, {...json, 'content-length': '0'}, withCertificate(client), '')).toMatchObject({
    status: 200,
  })
  expect(api.accepted).toEqual([
    {host: 'host1', by: 'control socket', reason: 'seen it'},
    {host: 'host1', by: 'control socket', reason: null},
    {host: 'host1', by: 'root', reason: null},
    {host: 'host1', by: 'bob', reason: 'seen it'},
    {host: 'host1', by: 'token', reason: 'seen it'},
    {host: 'host1', by: 'alice', reason: 'seen it'},
    {host: 'host1', by: 'alice', reason: null},
  ])

  const late = JSON.stringify({reason: null, before: '2020-01-01T00:00:00.000Z'})
  const tooLate = await post(dir.at('c.sock'), {...json, 'content-length': late.length}, {}, late)
  expect([tooLate.status, JSON.parse(tooLate.body).code]).toEqual([409, 'TOO_LATE'])
  expect(api.accepted).toHaveLength(7)

  const refused = [
    await post(api.url, json),
    await post(dir.at('s.sock'), json),
    await post(api.url, {...json, authorization: 'Bearer s3cret-of-bo'}),
    await post(api.url, {...json, authorization: 'Bearer bob'}),
    await post(api.url, {...json, authorization: 'Basic s3cret-of-bob-00'}),
    await post(api.url, {...json, authorization: 'Bearer '}),
    await post(api.url, json, withCertificate(stranger)),
  ]
  expect(refused.map(({status}) => status)).toEqual(refused.map(() => 401))
  expect(refused[0]?.headers['www-authenticate']).toContain('Bearer')
  expect(await post(api.url, {'content-length': '0'}, withCertificate(client), '')).toMatchObject({status: 415})
  expect(await post(dir.at('c.sock'), {'content-type': 'text/plain', 'content-length': '1'}, {}, 'x')).toMatchObject({
    status: 415,
  })
  for (const bad of ['{', '[]', '{"reason": 7}', `{"reason": "${'x'.repeat(501)}"}`])
    expect(await post(dir.at('c.sock'), {...json, 'content-length': bad.length}, {}, bad), bad).toMatchObject({
      status: 400,
    })
  expect(api.accepted).toHaveLength(7)
  // A GET needs no authorisation.
  expect((await api.ask('/v1/primary', {rejectUnauthorized: false, ...withCertificate(stranger)})).status).toBe(200)
})
