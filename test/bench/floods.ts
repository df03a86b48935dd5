import {fork} from 'node:child_process'
import {once} from 'node:events'
import {request} from 'node:http'
import {connect, type Socket} from 'node:net'
import {fileURLToPath} from 'node:url'
import {startFakes} from '../support/fake-postgres.ts'
import {type Daemon, startDaemon} from './daemon.ts'
import {ms, type Options, quantile, type Row} from './table.ts'

type Kind = 'idle' | 'slow' | 'unread'
type Flood = Readonly<{name: string; kind: Kind; connections: number; launcher: readonly string[]; holdMs: number}>

/**
 * Clients that take and give nothing, beside one that asks on a new connection each time: does the API still
 * answer it, and are the connections that it closes counted?
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  const scale = short ? 0.1 : 1
  const floods: readonly Flood[] = [
    {name: 'idle connections', kind: 'idle', connections: 10_000 * scale, launcher: [], holdMs: 0},
    // The daemon gives a request ten seconds for its headers.
    {name: 'requests of one byte a second', kind: 'slow', connections: 1_000 * scale, launcher: [], holdMs: 15_000},
    {name: 'event streams that are not read', kind: 'unread', connections: 1_000 * scale, launcher: [], holdMs: 15_000},
    {
      name: 'idle connections, ulimit -n 256',
      kind: 'idle',
      connections: 1_000,
      launcher: ['prlimit', '--nofile=256:256'],
      holdMs: 0,
    },
  ]
  const rows: Row[] = []
  for (const flood of floods) rows.push(await measured(flood))
  return rows
}

async function measured({name, kind, connections, launcher, holdMs}: Flood): Promise<Row> {
  const fakes = await startFakes(3)
  try {
    await using daemon = await startDaemon(yamlOf(fakes.ports), {}, launcher)
    const rest = await answers(daemon, 0)
    const clients = fork(fileURLToPath(import.meta.url), ['flood', kind, daemon.url, String(connections)])
    const ended = once(clients, 'exit')
    try {
      const [opened] = (await once(clients, 'message')) as [number]
      const under = await answers(daemon, holdMs)
      const {body} = await daemon.ask('/metrics')
      const drops = [...body.matchAll(/api_connections_dropped_total\{reason="(\w+)"\} (\d+)/g)]
        .filter(([, , count]) => count !== '0')
        .map(([, reason, count]) => `${count} ${reason}`)
      const [worst, refused] = [Math.max(...under.map((one) => one.ms)), under.filter((one) => !one.isAnswered).length]
      return {
        figure: `${opened} ${name}: the worst of ${under.length} answers, each on a new connection`,
        measured: `${ms(worst)}, ${refused} not answered; closed and counted: ${drops.join(', ') || 'none'}`,
        target: '< 1 s, 0 not answered',
        comparison: `without them: ${ms(Math.max(...rest.map((one) => one.ms)))}, median ${ms(
          quantile(
            rest.map((one) => one.ms),
            0.5,
          ),
        )}`,
        met: worst < 1_000 && refused === 0,
      }
    } finally {
      clients.kill()
      await ended
    }
  } finally {
    fakes.stop()
  }
}

/** At least fifty, and as many as fit into `holdMs`. */
async function answers(daemon: Daemon, holdMs: number): Promise<readonly {ms: number; isAnswered: boolean}[]> {
  const found: {ms: number; isAnswered: boolean}[] = []
  const begun = performance.now()
  while (found.length < 50 || performance.now() - begun < holdMs) {
    const asked = performance.now()
    const isAnswered = await askAnew(`${daemon.url}/v1/primary`)
    found.push({ms: performance.now() - asked, isAnswered})
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return found
}

const askAnew = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request(url, {agent: false, timeout: 10_000}, (response) => {
      response.resume()
      response.on('end', () => resolve(true))
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
    asked.end()
  })

const yamlOf = (ports: readonly number[]) =>
  [
    'hosts:',
    ...ports.map(
      (port, index) => `  host${index}: {host: 127.0.0.1, port: ${port}, user: pgroute66, sslmode: disable}`,
    ),
  ].join('\n')

/** In a process of its own, so that the client has its own descriptors and its own share of a processor. */
async function flood(kind: Kind, url: string, count: number): Promise<void> {
  const {hostname, port} = new URL(url)
  const sockets: Socket[] = []
  let opened = 0
  for (let index = 0; index < count; index += 1) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect').then(
      () => {
        opened += 1
      },
      () => {},
    )
    if (kind === 'unread') socket.pause().write('GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n')
    if (kind === 'slow') socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ')
  }
  process.send?.(opened)
  if (kind === 'slow')
    setInterval(() => sockets.forEach((socket) => void (socket.writable && socket.write('x'))), 1_000)
  else setInterval(() => {}, 60_000)
}

const [, , role, kind, url = '', count = '0'] = process.argv
if (role === 'flood') await flood(kind as Kind, url, Number(count))
