/**
 * `node test/bench/api.ts`: requests per second and p99 of `/v1/primary` over HTTPS keep-alive against a bare node:https server that answers the
 * same bytes, in turns, each server in a process of its own. Needs `wrk` and `openssl`.
 */
import {execFile, fork} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {createServer} from 'node:https'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {selfSigned} from '../api/certificates.ts'
import {folder, started} from '../api/started.ts'
import {primary, standby} from '../support/snapshots.ts'

const rounds = Number(process.env.ROUNDS ?? 5)
const [, , kind, cert = '', key = ''] = process.argv
const tls = {cert: {file: cert}, key: {file: key}, clientCa: null}

if (kind === 'ours') {
  const {url} = await started({hosts: {host1: primary(), host2: standby(), host3: standby()}}, {ssl: tls})
  process.send?.(url)
} else if (kind === 'bare') {
  const server = createServer({cert: readFileSync(cert), key: readFileSync(key)}, (_, response) => {
    response.setHeader('content-type', 'application/json; charset=utf-8')
    response.setHeader('content-length', 9)
    response.end('["host1"]')
  })
  server.listen(0, '127.0.0.1', () => process.send?.(`https://127.0.0.1:${(server.address() as {port: number}).port}`))
} else await compare()

async function compare(): Promise<void> {
  using dir = folder()
  const {cert, key} = selfSigned(dir.path, 'server')
  const servers = ['bare', 'ours'].map((name) => ({name, child: fork(fileURLToPath(import.meta.url), [name, cert, key])}))
  const urls = await Promise.all(servers.map(async ({name, child}) => ({name, url: String((await once(child, 'message'))[0])})))
  const found: Record<string, {rps: number; p99: number}[]> = {bare: [], ours: []}
  for (let round = 0; round <= rounds; round += 1)
    for (const {name, url} of urls) {
      const measured = await measure(`${url}/v1/primary`)
      // The first round warms both up.
      if (round > 0) found[name]?.push(measured)
    }
  for (const {child} of servers) child.kill()
  const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
  const of = (name: string, key: 'rps' | 'p99') => middle((found[name] ?? []).map((one) => one[key]))
  for (const name of ['bare', 'ours'])
    console.log(`${name}: ${of(name, 'rps').toFixed(0)} requests/s, p99 ${of(name, 'p99').toFixed(2)} ms`)
  console.log(`ratio ${(of('ours', 'rps') / of('bare', 'rps')).toFixed(2)}, p99 × ${(of('ours', 'p99') / of('bare', 'p99')).toFixed(2)}`)
}

async function measure(url: string): Promise<{rps: number; p99: number}> {
  const {stdout} = await promisify(execFile)('wrk', ['-t1', '-c32', '-d4s', '--latency', url])
  const [, value = '0', unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? []
  const scale = unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1
  if (/Non-2xx/.test(stdout)) throw new Error(stdout)
  return {rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), p99: Number(value) * scale}
}
