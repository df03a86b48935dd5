import {execFile, fork} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {createServer} from 'node:https'
import {availableParallelism} from 'node:os'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {selfSigned} from '../api/certificates.ts'
import {folder} from '../api/started.ts'
import {type Fakes, startFakes} from '../support/fake-postgres.ts'
import {type Sample, startDaemon} from './daemon.ts'
import {median, ms, type Options, type Row} from './table.ts'
import {hasTool, ToolMissing} from './tool.ts'

const execute = promisify(execFile)
const connections = 32
type Measured = Readonly<{rps: number; p99: number}>
type Answer = Readonly<{body: string; headers: readonly (readonly [string, string])[]}>

/**
 * `/v1/primary` over HTTPS keep-alive: a real `serve` and a bare node:https server that says the
 * same bytes, in turns.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  if (!hasTool('wrk')) throw new ToolMissing('wrk', 'wrk')
  if (!hasTool('openssl')) throw new ToolMissing('openssl', 'openssl')
  const pinned = hasTool('taskset') && availableParallelism() > 1
  using fakes = await disposable(startFakes(3))
  using dir = folder()
  const {cert, key} = selfSigned(dir.path, 'server')
  await using daemon = await startDaemon(yamlOf(fakes.ports, cert, key))
  const [sample] = (await daemon.poll('/v1/primary', ({status}) => status === 200)).slice(-1) as [Sample]
  const bare = fork(fileURLToPath(import.meta.url), ['bare', cert, key, JSON.stringify(answerOf(sample))])
  using _ = {[Symbol.dispose]: () => void bare.kill()}
  const [bareUrl] = (await once(bare, 'message')) as [string]
  if (pinned) for (const pid of [daemon.pid, bare.pid]) await execute('taskset', ['-a', '-c', '-p', '0', String(pid)])

  const servers = {bare: bareUrl, ours: daemon.url}
  const found: Record<keyof typeof servers, Measured[]> = {bare: [], ours: []}
  const seconds = short ? 3 : 8
  for (let round = 0; round <= (short ? 3 : 5); round += 1)
    for (const name of ['bare', 'ours'] as const) {
      const measured = await measure(`${servers[name]}/v1/primary`, seconds, pinned)
      // The first round warms both up.
      if (round > 0) found[name].push(measured)
    }
  return rows(found.ours, found.bare, pinned)
}

function rows(ours: readonly Measured[], bare: readonly Measured[], pinned: boolean): readonly Row[] {
  const of = (runs: readonly Measured[], key: keyof Measured) => median(runs.map((one) => one[key]))
  // Round by round, because a noisy neighbour disturbs both servers of a round and not the other
  // rounds.
  const ratio = (key: keyof Measured) => median(ours.map((one, index) => one[key] / (bare[index]?.[key] ?? Number.NaN)))
  const where = pinned ? 'server and wrk on a core each' : 'not pinned'
  return [
    {
      figure: `/v1/primary, HTTPS keep-alive, ${connections} connections (${where})`,
      measured: `${of(ours, 'rps').toFixed(0)} requests/s: ${ratio('rps').toFixed(2)} × bare`,
      target: '≥ 0.7 × bare',
      comparison: `bare node:https, same bytes, in turns: ${of(bare, 'rps').toFixed(0)} requests/s`,
      met: ratio('rps') >= 0.7,
    },
    {
      figure: 'p99 of the same',
      measured: `${ms(of(ours, 'p99'))}: ${ratio('p99').toFixed(2)} × bare`,
      target: '≤ 2 × bare',
      comparison: `bare: ${ms(of(bare, 'p99'))}`,
      met: ratio('p99') <= 2,
    },
  ]
}

async function measure(url: string, seconds: number, pinned: boolean): Promise<Measured> {
  const wrk = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url]
  const [command = '', ...args] = pinned ? ['taskset', '-c', '1', ...wrk] : wrk
  const {stdout} = await execute(command, args)
  // A refusal is quick to give, and would look like a fast server.
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout)
  const [, value = '', unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? []
  const scale = unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1
  return {rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), p99: Number(value) * scale}
}

const yamlOf = (ports: readonly number[], cert: string, key: string) =>
  [
    `ssl: {cert_file: ${cert}, key_file: ${key}}`,
    'hosts:',
    ...ports.map(
      (port, index) => `  host${index}: {host: 127.0.0.1, port: ${port}, user: pgroute66, sslmode: disable}`,
    ),
  ].join('\n')

/** What node adds to every answer by itself is left to it. */
const answerOf = ({body, headers}: Sample): Answer => ({
  body,
  headers: Object.entries(headers)
    .filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name))
    .map(([name, value]) => [name, String(value)]),
})

async function disposable(starting: Promise<Fakes>): Promise<Fakes & Disposable> {
  const fakes = await starting
  return {...fakes, [Symbol.dispose]: () => fakes.stop()}
}

/** In a process of its own, as `serve` is. */
function serveBare(cert: string, key: string, {body, headers}: Answer): void {
  const server = createServer({cert: readFileSync(cert), key: readFileSync(key)}, (_, response) => {
    for (const [name, value] of headers) response.setHeader(name, value)
    response.end(body)
  })
  server.listen(0, '127.0.0.1', () => process.send?.(`https://127.0.0.1:${(server.address() as {port: number}).port}`))
}

const [, , kind, cert = '', key = '', answer = '{}'] = process.argv
if (kind === 'bare') serveBare(cert, key, JSON.parse(answer))
