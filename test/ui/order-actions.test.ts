import {mkdtemp} from 'node:fs/promises'
import {createServer} from 'node:http'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {orderActions} from '../../src/app/control/order-actions.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {noon, primary, snapshot} from '../support/snapshots.ts'
import {calm, Stage, torn} from './stage.ts'

/** The actions on a daemon that notes what it is told. */
async function actionsOn(snapshot: Snapshot) {
  const told: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const {by, on} = JSON.parse(body)
      told.push(`${request.url} ${by}${on === undefined ? '' : ` ${on}`}`)
      response.writeHead(200, {'content-type': 'application/json'}).end('{"done": "as ordered"}')
    })
  })
  const socket = join(await mkdtemp(join(tmpdir(), 'pgroute66-orders-')), 'control.sock')
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  onTestFinished(() => void server.close())
  const actions = orderActions(new Stage(snapshot), async () => ({socket}), {USER: 'anna'})
  const ask = (key: string, host: string) => {
    const action = actions.find((one) => one.key === key)
    if (action === undefined || !('question' in action)) throw new Error(`${key} must ask first`)
    return action.question(host)
  }
  return {ask, told}
}

test('accept asks first, and says that another host is a primary', async () => {
  const {ask, told} = await actionsOn(torn())
  const {text, run} = ask('a', 'host2')
  expect(text).toMatch(/^accept host2 as the primary.* host1 is a primary too\.$/)
  expect(told).toEqual([])
  expect(await run()).toBe('as ordered')
  expect(told).toEqual(['/v1/hosts/host2/accept anna'])
})

test('the primary of another group is no rival', async () => {
  const hosts = {host1: primary(), host2: primary(), host3: primary()}
  const {ask} = await actionsOn(snapshot({hosts, groups: {orders: ['host1', 'host2'], stock: ['host3']}}))
  expect(ask('a', 'host2').text).toMatch(/ host1 is a primary too\.$/)
  expect(ask('a', 'host3').text).not.toContain('is a primary too')
})

test('maintenance is turned on, or off where it is on; it needs no host', async () => {
  const begun = await actionsOn(calm())
  await begun.ask('m', '').run()
  const maintenance = {since: noon.wall, by: 'anna', reason: null, until: null}
  const ended = await actionsOn({...calm(), maintenance})
  await ended.ask('m', '').run()
  expect([...begun.told, ...ended.told]).toEqual(['/v1/maintenance anna true', '/v1/maintenance anna false'])
})

test('drain says what stops, and becomes resume for a drained host', async () => {
  const {ask, told} = await actionsOn(calm())
  expect(ask('d', 'host1').text).toContain('writes stop until it is resumed')
  expect(ask('d', 'host2').text).toBe('take host2 out of rotation?')
  await ask('d', 'host2').run()
  expect(told).toEqual(['/v1/hosts/host2/drain anna'])
})
