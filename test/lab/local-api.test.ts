import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {request} from 'node:http'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, onTestFinished, test} from 'vitest'
import {until} from '../../src/demo/wait-until.ts'
import type {WireSnapshot} from '../../src/protocol/snapshot-json.ts'
import {isMeant, type Pair, requests, shown} from '../api/local-oracle.ts'
import {start} from '../support/run.ts'
import {lacksPatroni, type PatroniCluster, type PatroniNode, startPatroni} from './patroni.ts'

/** The status of one request, as HTTP/1.0 or later; 0: no answer. */
const statusOf = (node: PatroniNode, port: number, method: string, path: string): Promise<number> =>
  new Promise((resolve) => {
    const asked = request({host: node.address, port, method, path, agent: false, timeout: 5_000}, (response) => {
      response.resume().on('close', () => resolve(response.statusCode ?? 0))
    })
    asked
      .on('timeout', () => asked.destroy())
      .on('error', () => resolve(0))
      .end()
  })

async function bodyOf<T>(node: PatroniNode, port: number, path: string): Promise<T> {
  return (await fetch(`http://${node.address}:${port}${path}`)).json() as Promise<T>
}

const versionOf = async ({nodes: [first]}: PatroniCluster) =>
  (await bodyOf<{patroni: {version: string}}>(first as PatroniNode, 8008, '/patroni')).patroni.version

/** A daemon on the address of each member, which answers for it on port 8009. */
async function daemons(cluster: PatroniCluster): Promise<void> {
  const version = await versionOf(cluster)
  const hosts = cluster.nodes.map(
    // Every connection between loopback addresses comes from 127.0.0.1.
    ({name, address}) => `  ${name}: {host: ${address}, user: postgres, dbname: postgres, aliases: [127.0.0.1]}`,
  )
  await Promise.all(
    cluster.nodes.map(async ({name, address}) => {
      const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-local-'))
      const patroni = `{bind: ${address}, port: 8009, local_version: ${version}}`
      const local = `local_api: {patroni: ${patroni}, primgr: {bind: ${address}}}`
      const lines = ['hosts:', ...hosts, `bind: ${address}`, 'port: 8080', `local: ${name}`, local]
      await writeFile(join(cwd, 'pgroute66.yml'), `${lines.join('\n')}\n`, {mode: 0o600})
      const serve = start(['serve', '-c', 'pgroute66.yml'], {cwd})
      onTestFinished(async () => {
        serve.child.kill('SIGKILL')
        await rm(cwd, {recursive: true, force: true})
      })
      await serve.sees('listening')
    }),
  )
}

/** Every request to every member, and what is known of its host by the daemon beside it. */
async function pairsOf(cluster: PatroniCluster): Promise<readonly Pair[]> {
  const version = await versionOf(cluster)
  const ofNode = async (node: PatroniNode): Promise<readonly Pair[]> => {
    const {hosts, groups} = await bodyOf<WireSnapshot>(node, 8080, '/v1/snapshot')
    const host = hosts[node.name]
    if (host === undefined) throw new Error(`the daemon does not know ${node.name}`)
    const pairs: Pair[] = []
    for (const asked of requests) {
      const [method = '', path = ''] = asked.split(' ')
      const [theirs, ours] = [await statusOf(node, 8008, method, path), await statusOf(node, 8009, method, path)]
      pairs.push({
        at: node.name,
        version,
        method,
        path,
        theirs,
        ours,
        role: host.role,
        isStreaming: host.receiver_state === 'streaming',
        isLagKnown: host.lag_bytes !== null,
        rule: groups.all?.verdict.rule ?? '',
        isStoreAway: false,
        isAlone: false,
      })
    }
    return pairs
  }
  return (await Promise.all(cluster.nodes.map(ofNode))).flat()
}

/**
 * Until Patroni and the daemons agree: each follows at its own pace. Then how often both said 200.
 * What differs for good is in the message.
 */
async function agree(cluster: PatroniCluster): Promise<readonly Pair[]> {
  let pairs: readonly Pair[] = []
  const differences = () => pairs.filter((pair) => pair.theirs !== pair.ours && !isMeant(pair)).map(shown)
  const isSo = async () => {
    pairs = await pairsOf(cluster)
    return differences().length === 0
  }
  await until(isSo).catch(() => {})
  expect(differences()).toEqual([])
  return pairs
}

const passing = (pairs: readonly Pair[], path: string) =>
  pairs.filter((pair) => pair.method === 'GET' && pair.path === path && pair.ours === 200).map(({at}) => at)

describe.skipIf(lacksPatroni)('local_api beside real members of Patroni', () => {
  test('every path and method has the same status, from a steady cluster to two primaries', async () => {
    const cluster = await startPatroni()
    onTestFinished(() => cluster[Symbol.asyncDispose]())
    await daemons(cluster)
    const leader = await cluster.leader()
    const steady = await agree(cluster)
    expect(steady).toHaveLength(3 * requests.length)
    expect(passing(steady, '/primary')).toEqual([leader.name])
    expect(passing(steady, '/replica?lag=16MB')).toHaveLength(2)

    await cluster.configure({synchronous_mode: true})
    await until(async () => (await statusesOf(cluster, 8008, '/sync')).includes(200))
    const [synchronous = ''] = passing(await agree(cluster), '/sync')
    await cluster.configure({synchronous_mode: null})
    await until(async () => !(await statusesOf(cluster, 8008, '/sync')).includes(200))

    await fetch(`${leader.url}/switchover`, {
      method: 'POST',
      body: JSON.stringify({leader: leader.name, candidate: synchronous}),
    })
    await until(async () => (await cluster.leader()).name === synchronous)
    const switched = await agree(cluster)
    expect(passing(switched, '/primary')).toEqual([synchronous])

    // Patroni says 200 while it restarts PostgreSQL; the daemon says 503 at once.
    const successor = await cluster.leader()
    successor.killPostmaster()
    await until(async () => (await statusOf(successor, 8009, 'OPTIONS', '/primary')) === 503)
    expect((await bodyOf<{State: string}>(successor, 5999, '/state')).State).toBe('Down')
    await until(async () => (await statusOf(successor, 8009, 'OPTIONS', '/primary')) === 200)
    await agree(cluster)

    // In pause Patroni lets a second primary be, and goes on with the first.
    await cluster.configure({pause: true})
    const [standby] = await cluster.standbys()
    await standby?.sql('select pg_promote()')
    await until(async () => (await statusesOf(cluster, 5999, '/state')).filter((status) => status === 509).length === 2)
    const rivals = await agree(cluster)
    expect(passing(rivals, '/primary')).toEqual([])
    expect(rivals.filter(({path, theirs}) => path === '/primary' && theirs === 200)).not.toEqual([])
  }, 600_000)
})

const statusesOf = (cluster: PatroniCluster, port: number, path: string): Promise<readonly number[]> =>
  Promise.all(cluster.nodes.map((node) => statusOf(node, port, 'GET', path)))
