import {mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync} from 'node:fs'
import {request} from 'node:http'
import {connect} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import {setTimeout as sleep} from 'node:timers/promises'
import {hostsYaml, startTestCluster, until} from '../support/cluster.ts'
import {type Daemon, startDaemon} from './daemon.ts'
import {type Inside, socketVariable} from './heap.ts'
import {median, type Options, type Row, slope} from './table.ts'

const everyMs = 5_000
const sampleMs = 30_000
const heapTargetMb = 1
/** Ten times as often as by default: a leak per probe shows ten times as soon. */
const probeMs = 100
/** The API keeps the last thousand changes. */
const historyLength = 1_000

type Sample = Readonly<{minute: number; heapMb: number; handles: number; sockets: number}>

/**
 * One host after the other is restarted, the primary too, every five seconds; between restarts,
 * what `serve` still holds.
 */
export async function run({short, minutes}: Options): Promise<readonly Row[]> {
  const forMinutes = minutes ?? (short ? 2 : 30)
  await using cluster = await startTestCluster({nodes: 3})
  using inside = wayIn()
  await using daemon = await startDaemon(`${hostsYaml(cluster)}\nprobe: {interval: ${probeMs}ms}`, inside.env)
  await fillHistory(daemon)
  const ports = cluster.nodes.map(({port}) => port)
  const begun = performance.now()
  const minute = () => (performance.now() - begun) / 60_000
  const samples: Sample[] = []
  let restarts = 0
  while (minute() < forMinutes) {
    const next = performance.now() + everyMs
    const node = cluster.nodes[restarts % ports.length]
    await node?.restart()
    restarts += 1
    // Between restarts everybody is in: then there is a socket per host, and no more.
    await until(async () => {
      const answers = await Promise.all(cluster.nodes.map(({name}) => daemon.ask(`/v1/node/${name}`)))
      return answers.every(({status}) => status === 200)
    })
    if (minute() * 60_000 >= samples.length * sampleMs) {
      const {heapBytes, resources} = await inside.ask()
      const sample = {
        minute: minute(),
        heapMb: heapBytes / 2 ** 20,
        handles: resources.length,
        sockets: await settled(daemon.pid, ports),
      }
      samples.push(sample)
      console.error(
        `${sample.minute.toFixed(1)} min: heap ${sample.heapMb.toFixed(2)} MB, handles ${sample.handles}, ` +
          `sockets ${sample.sockets}`,
      )
    }
    await sleep(Math.max(0, next - performance.now()))
  }
  return rows(samples, restarts, ports.length)
}

function rows(all: readonly Sample[], restarts: number, hosts: number): readonly Row[] {
  const warm = all.slice(Math.floor(all.length / 3))
  const growth = 10 * slope(warm.map(({minute, heapMb}) => [minute, heapMb]))
  const early = median(warm.slice(0, warm.length >> 1).map(({handles}) => handles))
  const late = median(warm.slice(warm.length >> 1).map(({handles}) => handles))
  const sockets = warm.map((sample) => sample.sockets)
  const spent = `${all.at(-1)?.minute.toFixed(0)} min, ${restarts} restarts`
  return [
    {
      figure: `${spent}: heap after a garbage collection`,
      measured:
        `${growth >= 0 ? '+' : ''}${growth.toFixed(2)} MB per 10 min (${all[0]?.heapMb.toFixed(1)} → ` +
        `${all.at(-1)?.heapMb.toFixed(1)} MB)`,
      target: `≤ ${heapTargetMb} MB per 10 min`,
      comparison: 'slope over the last two thirds',
      met: growth <= heapTargetMb,
    },
    {
      figure: 'handles',
      measured: `${late}`,
      target: 'flat',
      comparison: `${early} in the middle of the run`,
      met: late <= early,
    },
    {
      figure: 'sockets to PostgreSQL, between restarts',
      measured: `${Math.min(...sockets)}–${Math.max(...sockets)}`,
      target: `${hosts}`,
      comparison: `${hosts} hosts`,
      met: sockets.every((count) => count === hosts),
    },
  ]
}

/**
 * The history of changes is full before anything is measured: while it fills, which takes restarts
 * many minutes, it looks like a leak. Between two orders every host is asked, as between two
 * restarts: snapshots share what did not change.
 */
async function fillHistory({folder}: Daemon): Promise<void> {
  const order = (verb: string) =>
    new Promise<void>((resolve, reject) => {
      const path = `/v1/hosts/host3/${verb}`
      request({socketPath: join(folder, 'control.sock'), path, method: 'POST'}, (response) => {
        response.resume().on('end', resolve)
        if (response.statusCode !== 200) reject(new Error(`${path}: ${response.statusCode}`))
      })
        .on('error', reject)
        .end()
    })
  for (let change = 0; change < historyLength; change += 2) {
    await order('drain')
    await sleep(probeMs)
    await order('resume')
    await sleep(probeMs)
  }
}

/**
 * A knock is a second socket to a host, for some milliseconds every few seconds: a count above the
 * hosts' is taken once more.
 */
async function settled(pid: number, ports: readonly number[]): Promise<number> {
  const first = socketsTo(pid, ports)
  if (first <= ports.length) return first
  await sleep(200)
  return socketsTo(pid, ports)
}

/**
 * Open sockets of `pid` that lead to one of `ports` (proc(5): /proc/net/tcp has the remote port in
 * hexadecimal, and the inode).
 */
function socketsTo(pid: number, ports: readonly number[]): number {
  const lines = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1)
  const fields = lines.map((line) => line.trim().split(/\s+/))
  const inodes = fields
    .filter(([, , remote = '']) => ports.includes(Number.parseInt(remote.split(':')[1] ?? '', 16)))
    .map((line) => line[9])
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)))
  return inodes.filter((inode) => open.has(`socket:[${inode}]`)).length
}

/** A descriptor may be closed between the listing and the look. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** The environment that lets heap.ts into `serve`, and how to ask it. */
function wayIn(): Disposable & {readonly env: Readonly<Record<string, string>>; ask(): Promise<Inside>} {
  const folder = mkdtempSync(join(tmpdir(), 'pgr66-heap-'))
  const path = join(folder, 'sock')
  const module = new URL('./heap.ts', import.meta.url).href
  return {
    env: {[socketVariable]: path, NODE_OPTIONS: `--expose-gc --import ${module}`},
    ask: async () => JSON.parse(await text(connect(path))) as Inside,
    [Symbol.dispose]: () => rmSync(folder, {recursive: true, force: true}),
  }
}
