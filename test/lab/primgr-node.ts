/**
 * A node that still runs primgr: `node primgr-node.ts NAME SOCKETS ADDRESSES`. It decides by primgr's
 * published rules: the vote of each other node of its location, the witness and inactive nodes
 * included, is the answer to GET /primary, and most of all votes are needed. Without its cache of 20 s,
 * and without the faults for which it does not start. ADDRESSES: JSON, of the nodes by name.
 */
import {createServer} from 'node:http'
import {askOnce} from './ask-once.ts'

const [name = '', sockets = '', given = '{}'] = process.argv.slice(2)
const addresses: Readonly<Record<string, string>> = JSON.parse(given)
const port = 5999

const ask = (text: string): Promise<readonly Readonly<Record<string, string | boolean>>[]> =>
  askOnce({host: sockets, port: 5432, user: 'postgres', database: 'repmgr', ssl: false}, text)

/** The vote of another node. A node that does not answer has none. */
async function votesFor(node: string, candidate: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://${addresses[node]}:${port}/primary`, {signal: AbortSignal.timeout(3_000)})
    const {Primary} = (await answer.json()) as {Primary?: string}
    return answer.status === 200 && Primary === candidate
  } catch {
    return false
  }
}

async function state(): Promise<readonly [number, object]> {
  const [{standby} = {}] = await ask('select pg_is_in_recovery() as standby')
  if (standby) return [202, {State: 'Standby'}]
  const others = await ask(
    `select node_name from repmgr.nodes where node_name <> '${name}' and location = ` +
      `(select lower(location) from repmgr.nodes where node_name = '${name}')`,
  )
  const votes = await Promise.all(others.map(({node_name}) => votesFor(String(node_name), name.replaceAll('_', '-'))))
  const isMost = 1 + votes.filter(Boolean).length >= Math.floor((others.length + 1) / 2) + 1
  return isMost ? [200, {State: 'Primary'}] : [509, {State: 'Unknown'}]
}

async function primary(): Promise<readonly [number, object]> {
  const [row] = await ask(
    "select replace(lower(node_name), '_', '-') as name from repmgr.nodes where type = 'primary' and active",
  )
  return row === undefined ? [503, {State: 'Down'}] : [200, {Primary: row.name}]
}

createServer(async ({url}, response) => {
  const page = {'/state': state, '/primary': primary}[url ?? '']
  const [status, body] = (await page?.().catch(() => [503, {State: 'Down'}] as const)) ?? [404, {detail: 'Not Found'}]
  response.writeHead(status, {'content-type': 'application/json', connection: 'close'}).end(JSON.stringify(body))
}).listen(port)
