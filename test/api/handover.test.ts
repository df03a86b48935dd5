import {expect, test} from 'vitest'
import {Handover, type HandoverQuestion} from '../../src/api/handover.ts'
import {drained, primary, type SnapshotDraft, standby, unasked, unavailable} from '../support/snapshots.ts'
import {started} from './started.ts'

/** Questions of one HAProxy. `up`: what HAProxy says is up when it asks. */
function asking() {
  const handover = new Handover()
  let now = 1_000
  return {
    wait: (ms: number) => {
      now += ms
    },
    blocker(host: string, routed: string, up: string, more: Partial<HandoverQuestion> = {}) {
      const others = ['host1', 'host2', 'host3'].filter((other) => other !== host)
      const servers = up.split(' ')
      const isOtherUp = servers.some((one) => one !== '' && one !== host)
      const question = {place: 'lb1 pg_write', host, others, isRouted: host === routed, isUp: servers.includes(host)}
      return handover.blocker({...question, isOtherUp, now, ...more})
    },
  }
}

test('a successor waits while HAProxy has the deposed writer up, however late it takes the "no"', () => {
  const {blocker, wait} = asking()
  expect(blocker('host1', 'host1', 'host1')).toBeNull()
  for (let look = 0; look < 15; look += 1) {
    expect(blocker('host2', 'host2', 'host1')).toBe('host1')
    expect(blocker('host1', 'host2', 'host1')).toBeNull()
    wait(1_000)
  }
  expect(blocker('host2', 'host2', '')).toBeNull()
})

test('a successor waits while a "yes" may be on its way to another server', () => {
  const {blocker, wait} = asking()
  expect(blocker('host1', 'host1', '')).toBeNull()
  expect(blocker('host2', 'host2', '')).toBe('host1')
  // HAProxy asks for one server once at a time: this question ends the one before.
  expect(blocker('host1', 'host2', '')).toBeNull()
  expect(blocker('host2', 'host2', '')).toBeNull()
  expect(blocker('host3', 'host3', '')).toBe('host2')
  wait(10_001)
  expect(blocker('host3', 'host3', '')).toBeNull()
})

test('a writer that is up keeps its "yes", also beside another one', () => {
  expect(asking().blocker('host1', 'host1', 'host1 host2')).toBeNull()
})

test('a daemon that has just started waits for HAProxy to ask for the server that is up', () => {
  const {blocker, wait} = asking()
  expect(blocker('host2', 'host2', 'host1')).toBe('another server')
  wait(250)
  expect(blocker('host1', 'host2', 'host1')).toBeNull()
  expect(blocker('host2', 'host2', 'host1')).toBe('host1')
  expect(blocker('host2', 'host2', '')).toBeNull()
})

test('no host waits for ever for a server that is none of ours', () => {
  const {blocker, wait} = asking()
  for (let asked = 0; asked <= 10; asked += 1) {
    expect(blocker('host2', 'host2', 'sorry')).toBe('another server')
    wait(1_000)
  }
  expect(blocker('host2', 'host2', 'sorry')).toBeNull()
})

test('without the weights of HAProxy, the last questions tell what is up', () => {
  const {blocker} = asking()
  const unsaid = {isOtherUp: null}
  expect(blocker('host2', 'host2', '', unsaid)).toBeNull()
  expect(blocker('host1', 'host1', 'host1', unsaid)).toBeNull()
  expect(blocker('host2', 'host2', '', unsaid)).toBe('host1')
  expect(blocker('host1', 'host2', '', unsaid)).toBeNull()
  expect(blocker('host2', 'host2', '', unsaid)).toBeNull()
})

test('each HAProxy, and each backend, has an order of its own', () => {
  const {blocker} = asking()
  expect(blocker('host1', 'host1', '')).toBeNull()
  expect(blocker('host2', 'host2', '', {place: 'lb2 pg_write'})).toBeNull()
  expect(blocker('host2', 'host2', '', {place: 'lb1 other'})).toBeNull()
})

test('a client that makes up names does not fill the memory', () => {
  const {blocker} = asking()
  for (let index = 0; index < 30_000; index += 1) blocker('host1', 'host1', '', {place: `lb${index}`})
  expect(blocker('host2', 'host2', '', {place: 'lb29999'})).toBe('host1')
  expect(blocker('host2', 'host2', '', {place: 'lb1'})).toBeNull()
})

/** As HAProxy writes it: `weight` counts the servers that are up. */
const state = (name: string, word: string, weight: string) => ({
  'x-haproxy-server-state':
    `${word}; address=127.0.0.1; port=5432; name=pg_write/${name}; node=lb1; ` + `weight=${weight}; scur=0/0; qcur=0`,
})

test('/haproxy/primary withholds the "yes" for a successor until HAProxy has no other writer up', async () => {
  await using api = await started({hosts: {host1: primary(), host2: standby()}})
  const ask = async (name: string, word: string, weight: string, predicate = 'primary') => {
    const {status, headers, body} = await api.ask(`/haproxy/${predicate}`, {
      headers: {...state(name, word, weight), host: 'localhost'},
    })
    return [status, headers['x-pgroute66-server'], JSON.parse(body).code]
  }
  expect(await ask('host1', 'UP', '1/1')).toEqual([200, undefined, undefined])
  api.source.publish({hosts: {host1: standby('host2'), host2: primary()}})
  for (const predicate of ['primary', 'leader', 'read-write'])
    expect(await ask('host2', 'DOWN 1/2', '1/1', predicate)).toEqual([503, 'drain', 'HANDOVER'])
  expect(await ask('host1', 'UP', '1/1')).toEqual([503, undefined, undefined])
  expect(await ask('host2', 'DOWN', '1/1')).toEqual([503, 'drain', 'HANDOVER'])
  expect(await ask('host2', 'DOWN', '1/0')).toEqual([200, undefined, undefined])
  expect(await ask('host2', 'UP', '1/1')).toEqual([200, undefined, undefined])
  // Readers take turns with nobody.
  expect(await ask('host1', 'DOWN', '1/1', 'replica')).toEqual([200, undefined, undefined])
})

test('/haproxy/primary tells which "no" may cut sessions', async () => {
  const rows: readonly (readonly [string, SnapshotDraft, string, string | undefined])[] = [
    ['a standby', {hosts: {host1: primary(), host2: standby()}}, 'host2', undefined],
    ['a split brain', {hosts: {host1: primary(), host2: primary()}}, 'host1', undefined],
    ['replaced', {hosts: {host1: unavailable('timeout'), host2: primary()}}, 'host1', undefined],
    ['of another cluster', {hosts: {host1: unavailable('foreign-cluster'), host2: standby()}}, 'host1', undefined],
    ['silent, no successor', {hosts: {host1: unavailable('timeout'), host2: standby()}}, 'host1', 'drain'],
    ['drained', {hosts: {host1: primary({drained}), host2: standby()}}, 'host1', 'drain'],
    ['nothing known yet', {hosts: {host1: unasked(), host2: standby()}}, 'host1', 'unchanged'],
  ]
  for (const [given, draft, name, says] of rows) {
    await using api = await started(draft)
    const {status, headers} = await api.ask('/haproxy/primary', {headers: state(name, 'UP', '1/1')})
    expect([given, status, headers['x-pgroute66-server']]).toEqual([given, 503, says])
  }
  await using api = await started({hosts: {host1: unasked(), host2: standby()}})
  const {headers} = await api.ask('/haproxy/replica', {headers: state('host2', 'UP', '1/1')})
  expect(headers['x-pgroute66-server']).toBe('unchanged')
})
