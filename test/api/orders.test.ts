import {chmodSync, writeFileSync} from 'node:fs'
import type {IncomingMessage} from 'node:http'
import {expect, test} from 'vitest'
import {createMetrics} from '../../src/api/metrics.ts'
import {OrderRecord} from '../../src/api/orders/order-record.ts'
import {RefusalDelay, sourceOf} from '../../src/api/orders/refusal-delay.ts'
import {refuseLate} from '../../src/api/routes/orders.ts'
import {type Channel, order} from '../../src/app/control/order.ts'
import {reloads} from '../../src/app/serve/reload.ts'
import type {Change} from '../../src/core/snapshot.ts'
import {authority} from '../sources/pg-certificates.ts'
import {keptLog, realClock} from '../support/fake-source.ts'
import {primary, standby} from '../support/snapshots.ts'
import {VirtualClock} from '../support/virtual-clock.ts'
import {type Pair, tlsOf} from './certificates.ts'
import {ask, folder, plainConfig, started} from './started.ts'

const draft = {hosts: {host1: primary(), host2: standby()}}

test('record: each order says who, by which door, from where, what, and what came of it', async () => {
  using dir = folder()
  writeFileSync(dir.at('tokens'), 'anna right-is-right-0\n', {mode: 0o600})
  await using api = await started(draft, {controlSocket: dir.at('c.sock'), tokensFile: dir.at('tokens')})
  const give = (where: string, path: string, body: object, headers: object = {}) => {
    const sent = JSON.stringify(body)
    const all = {'content-type': 'application/json', 'content-length': String(sent.length), ...headers}
    return ask(where, path, {method: 'POST', headers: all, body: sent})
  }
  await give(dir.at('c.sock'), '/v1/hosts/host1/drain', {reason: 'disk', by: 'joe'})
  await give(api.url, '/v1/hosts/host2/resume', {}, {authorization: 'Bearer right-is-right-0'})
  await give(api.url, '/v1/hosts/host2/drain', {}, {authorization: 'Bearer guessed-by-mallory'})
  await give(dir.at('c.sock'), '/v1/hosts/host9/drain', {})
  await give(dir.at('c.sock'), '/v1/maintenance', {on: 'maybe'})
  await give(dir.at('c.sock'), '/v1/hosts/host2/probe', {})
  expect(api.announced.map(({kind, host, to, why}) => [kind, host, to, why])).toEqual([
    ['order', 'host1', 'carried out', 'drain host1 by joe, this machine (control socket) "disk": host1 is drained'],
    ['order', 'host2', 'carried out', 'resume host2 by anna, 127.0.0.1 (token): host2 is in rotation'],
    ['order', 'host2', 'refused', 'drain host2 by 127.0.0.1 (not authorised): the token is unknown'],
    ['order', null, 'refused', 'drain by control socket, this machine (control socket): there is no such host'],
    ['order', null, 'refused', expect.stringContaining('"on" is not true or false')],
  ])
  expect(JSON.stringify(api.announced)).not.toMatch(/guessed|right-is-right/)
  const {body} = await api.ask('/metrics')
  expect(body).toContain('pgroute66_orders_total{order="drain",door="none",outcome="refused"} 1')
  expect(body).toContain('pgroute66_orders_total{order="probe",door="control-socket",outcome="carried-out"} 1')
})

test('record: refused orders of one source are told once a minute, and of all sources ten a minute', async () => {
  const clock = new VirtualClock()
  const told: Change[] = []
  const announce = (changes: readonly Change[]) => void told.push(...changes)
  const record = new OrderRecord({announce, clock, metrics: createMetrics('0.1.0', () => clock.wall())})
  const refused = (source: string) =>
    record.add(
      {order: 'accept', host: null, by: null, reason: null, door: 'none', source},
      {isCarriedOut: false, why: 'the token is unknown'},
    )
  for (let index = 0; index < 50; index += 1) refused('10.0.0.9')
  expect(told).toHaveLength(1)
  await clock.run(60_000)
  refused('10.0.0.9')
  expect(told.at(-1)?.why).toContain('(49 more since it was last told)')
  for (let index = 0; index < 50; index += 1) refused(`10.0.1.${index}`)
  expect(told).toHaveLength(11)
})

test('delay: after three refusals the requests of a source come in one at a time, ever later', async () => {
  const clock = new VirtualClock()
  const delay = new RefusalDelay(clock)
  for (let index = 0; index < 2; index += 1) delay.refused('10.0.0.9')
  expect(await delay.turn('10.0.0.9')).toBe(true)
  for (let index = 0; index < 3; index += 1) delay.refused('10.0.0.9')
  const entered: number[] = []
  const turns = Array.from({length: 8}, () => delay.turn('10.0.0.9').then(() => entered.push(clock.now())))
  expect(await delay.turn('10.0.0.9'), 'a ninth does not wait').toBe(false)
  expect(await delay.turn('10.0.0.8'), 'another source').toBe(true)
  const begun = clock.now()
  await clock.run(10_000)
  await Promise.all(turns)
  // Five refusals: one second each.
  expect(entered.map((at) => at - begun)).toEqual([1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000])
  await clock.run(5 * 60_000)
  expect(await delay.turn('10.0.0.9'), 'forgotten').toBe(true)
})

test.each([
  [undefined, 'the unix socket'],
  ['10.0.0.9', '10.0.0.9'],
  ['::ffff:10.0.0.9', '10.0.0.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('source of a request from %s: %s', (address, source) => expect(sourceOf(address)).toBe(source))

test('tokens_file: a file that every user can read gives no rights', async () => {
  using dir = folder()
  writeFileSync(dir.at('tokens'), 'anna right-is-right-0\n', {mode: 0o600})
  await using api = await started(draft, {tokensFile: dir.at('tokens')})
  const drain = () =>
    api.ask('/v1/hosts/host1/drain', {
      method: 'POST',
      headers: {authorization: 'Bearer right-is-right-0', 'content-type': 'application/json', 'content-length': '0'},
    })
  expect((await drain()).status).toBe(200)
  chmodSync(dir.at('tokens'), 0o644)
  expect((await drain()).status).toBe(401)
  expect(api.log.lines.at(-1)?.message).toContain('every user can read it')
})

test('client certificates: a revoked one gives no rights, also where the list changes while serve runs', async () => {
  using dir = folder()
  const ca = authority(dir.path)
  const [server, alice, bob] = [
    ca.issue('server', 'localhost', 'DNS:localhost,IP:127.0.0.1'),
    ca.issue('alice', 'alice', null),
    ca.issue('bob', 'bob', null),
  ]
  const clientCrl = {file: ca.revoke(bob.cert)}
  await using api = await started(draft, {ssl: {...tlsOf(server), clientCa: {file: ca.root}, clientCrl}})
  const channel = ({cert, key}: Pair): Channel => ({url: api.url, ca: ca.root, cert, key, tokenFile: undefined})
  const drain = (pair: Pair) => order(channel(pair), '/v1/hosts/host1/drain', {}).then(({done}) => done)
  expect(await drain(alice)).toBe('host1 is drained')
  await expect(drain(bob)).rejects.toThrow('the client certificate does not count (CERT_REVOKED)')
  expect(api.announced.at(-1)?.why).toContain('not authorised')
  ca.revoke(alice.cert)
  // The daemon looks at its files every two seconds.
  await expect
    .poll(() => drain(alice).catch(({message}: Error) => message), {timeout: 120_000, interval: 500})
    .toContain('CERT_REVOKED')
})

test('reload: an order that expires while the file is tried is not carried out', async () => {
  using dir = folder()
  const clock = realClock()
  let waitedMs = 0
  const applied: string[] = []
  const reloading = reloads({
    config: plainConfig,
    load: async () => plainConfig,
    anew: async () => plainConfig,
    tried: async () => {
      waitedMs += 3_600_000
      return plainConfig
    },
    apply: [() => void applied.push('applied')],
    inherited: new Map(),
    log: keptLog(),
    done: () => {},
  })
  await using api = await started(
    draft,
    {controlSocket: dir.at('c.sock')},
    {reloads: () => reloading, clock: {...clock, wall: () => clock.wall() + waitedMs}},
  )
  const reload = (before: string | null) => {
    const body = JSON.stringify({before})
    const headers = {'content-type': 'application/json', 'content-length': String(body.length)}
    return ask(dir.at('c.sock'), '/v1/reload', {method: 'POST', headers, body})
  }
  const late = await reload(new Date(clock.wall() + 600_000).toISOString())
  expect([late.status, JSON.parse(late.body).code, applied]).toEqual([409, 'TOO_LATE', []])
  expect(api.announced.at(-1)?.why).toContain('Not executed')
  expect([(await reload(null)).status, applied]).toEqual([200, ['applied']])
})

test('reload: nor is the order of a sender that has left', () => {
  const raw = (destroyed: boolean) => ({socket: {destroyed}}) as IncomingMessage
  expect(() => refuseLate(raw(true), {}, realClock())).toThrow('the sender gave up waiting')
  expect(() => refuseLate(raw(false), {}, realClock())).not.toThrow()
})
