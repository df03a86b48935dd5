import {describe, expect, onTestFinished, test} from 'vitest'
import {Etcd2} from '../../src/etcd/etcd2.ts'
import {follow2} from '../../src/etcd/follow2.ts'
import {systemClock} from '../../src/system/clock.ts'
import {until} from '../sources/pg-until.ts'
import {type Etcd, startEtcd} from '../support/etcd.ts'
import {lacks} from '../support/parts.ts'
import {rawServer} from '../support/raw-server.ts'

const key = '/service/pg/leader'

/** How often a follower was told that the key may have changed. */
function followed(etcd: Etcd2) {
  const seen = {news: 0}
  const stop = new AbortController()
  const tell = () => {
    seen.news += 1
  }
  const ended = follow2({etcd, random: () => 0.5}, key, tell, stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return seen
}
const client = (endpoints: readonly string[], timeoutMs = 30_000) =>
  new Etcd2({endpoints, clock: systemClock, timeoutMs})
const newsOf = (seen: {news: number}, count: number) =>
  until(
    () => seen.news,
    (news) => news >= count,
  )

async function etcdOf(count = 1): Promise<Etcd> {
  const server = await startEtcd({count})
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

describe.skipIf(lacks('etcd'))("a watch by etcd's v2 API", () => {
  test('tells its beginning, another value, and the end of the key; the same value again is no news', async () => {
    const server = await etcdOf()
    await server.put2(key, 'node1')
    const seen = followed(client(server.urls))
    await newsOf(seen, 1)
    // As Patroni does in every loop. They are told before the next one, in order.
    for (let left = 5; left > 0; left--) await server.put2(key, 'node1', 600)
    await server.put2(key, 'node2', 600)
    await newsOf(seen, 2)
    await server.put2(key, 'node2', 1)
    await newsOf(seen, 3)
    await server.put2(key, 'node2')
    await newsOf(seen, 4)
    expect(seen.news).toBe(4)
    await expect(client(server.urls).list(key)).resolves.toMatchObject([{value: 'node2'}])
  })

  test('a silent watch is not lost: its endpoint is asked, and answers', async () => {
    const server = await etcdOf()
    const seen = followed(client(server.urls))
    await newsOf(seen, 1)
    // More than two beats. What is shown is that nothing happens.
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(seen.news).toBe(1)
    await server.put2(key, 'node1')
    await newsOf(seen, 2)
  })

  test('leaves a frozen endpoint, and goes on at the next one without a gap', async () => {
    const server = await etcdOf(3)
    await server.put2(key, 'node1')
    const etcd = client([...server.urls].reverse(), 750)
    const seen = followed(etcd)
    await newsOf(seen, 1)
    const watched = server.urls.indexOf(etcd.endpoints.current)
    expect(watched).toBeGreaterThan(0)
    server.freeze(watched)
    await until(
      () => etcd.endpoints.current,
      (current) => current !== server.urls[watched],
    )
    const before = seen.news
    await server.put2(key, 'node2')
    await newsOf(seen, before + 1)
    server.thaw(watched)
  })

  test('an index that etcd no longer knows is told as such', async () => {
    const server = await etcdOf()
    await server.put2(key, 'node1')
    const batches = Array.from({length: 25}, (_, batch) => batch)
    for (const batch of batches)
      await Promise.all(Array.from({length: 44}, (_, index) => server.put2(`/other/${batch}/${index}`, 'x')))
    const etcd = client(server.urls)
    const wait = etcd.waitAt(etcd.endpoints.current, key, 2, new AbortController().signal)
    await expect(wait).resolves.toEqual({kind: 'cleared'})
  })
})

test('an index that is cleared is read anew, and told; an event from before is no answer', async () => {
  const answers: readonly {status: number; body: {index?: number; [field: string]: unknown}}[] = [
    {status: 404, body: {errorCode: 100, index: 40}},
    {status: 400, body: {errorCode: 401, index: 2_000}},
    {status: 404, body: {errorCode: 100, index: 2_000}},
    {status: 200, body: {action: 'set', node: {value: 'old', modifiedIndex: 7}}},
  ]
  const server = await rawServer(() => {
    const {status, body} = answers[server.requests.length - 1] ?? {status: 500, body: {}}
    return `HTTP/1.1 ${status} X\r\nX-Etcd-Index: ${body.index ?? 0}\r\n\r\n${JSON.stringify(body)}`
  })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const seen = followed(client([server.url]))
  await until(
    () => server.requests.length,
    (count) => count >= 5,
  )
  const path = '/v2/keys/service/pg/leader'
  expect(server.requests.slice(0, 5).map((request) => request.path)).toEqual([
    `${path}?quorum=true`,
    `${path}?wait=true&waitIndex=41`,
    `${path}?quorum=true`,
    `${path}?wait=true&waitIndex=2001`,
    `${path}?wait=true&waitIndex=2001`,
  ])
  expect(seen.news).toBe(2)
})
