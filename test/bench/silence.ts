import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import pg from 'pg'
import {type HaproxyStyle, haproxyStyles} from '../../src/actuators/haproxy/cfg.ts'
import {freePorts} from '../../src/demo/free-ports.ts'
import {type Cluster, followersOf, hostsYaml, type PgNode, rejoin, startTestCluster, until} from '../support/cluster.ts'
import {type Haproxy, hasHaproxy, startHaproxy} from '../support/haproxy.ts'
import {lateMs, Way} from '../support/way.ts'
import {Serve} from './chaos/parts.ts'
import {Lookout} from './lookout.ts'
import {printed} from './printed.ts'
import {median, type Options, quantile, type Row} from './table.ts'
import {ToolMissing} from './tool.ts'

const silenceMs = 2_500

/**
 * A daemon that is silent, that ends, and that deposes a writer, behind a real HAProxy in four
 * styles: which sessions are cut, how fast, and how many writers are up.
 */
export async function run({short, style, runs}: Options): Promise<readonly Row[]> {
  if (!hasHaproxy) throw new ToolMissing('haproxy', 'haproxy')
  const rows: Row[] = []
  for (const one of haproxyStyles.filter((known) => style === null || style === known)) {
    await using site = await startSite(one)
    rows.push(
      ...(await living(site, short ? 2 : 5, runs ?? (short ? 4 : 30))),
      ...(await gone(site, 'SIGKILL')),
      ...(await gone(site, 'SIGSTOP')),
    )
    console.error(`${one}: done`)
  }
  return rows
}

/** What a daemon that lives is measured with: the lookout ends with the daemon. */
async function living(site: Site, silences: number, runs: number): Promise<readonly Row[]> {
  await using lookout = new Lookout(site.haproxy, 'pg_write', site.url)
  await until(() => lookout.up.length === 1)
  // Until its first check of the daemon HAProxy takes one failure for enough.
  await wait(2_000)
  return [...(await silence(site, lookout, silences)), ...(await switchovers(site, lookout, runs))]
}

type Site = AsyncDisposable &
  Readonly<{style: HaproxyStyle; cluster: Cluster; serve: Serve; haproxy: Haproxy; url: string; delay: Delay}>

/** Answers about this host come late; `null`: none. */
type Delay = (host: string | null) => void

const delayIn =
  (folder: string, way: Way): Delay =>
  (host) => {
    if (way.late !== null) rmSync(join(folder, `late-${way.late}`))
    way.late = host
    // For the check of style external, which asks over a unix socket.
    if (host !== null) writeFileSync(join(folder, `late-${host}`), '')
  }

async function startSite(style: HaproxyStyle): Promise<Site> {
  const stack = new AsyncDisposableStack()
  const cluster = stack.use(await startTestCluster())
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-silence-'))
  stack.defer(() => rmSync(folder, {recursive: true, force: true}))
  const free = stack.use(await freePorts(4))
  const [port = 0, ...ports] = free.ports
  const site = {folder, hosts: cluster.nodes.map(({name, port}) => ({name, port})), ports}
  const {serveYaml, haproxyConfig} = printed(style)
  const config = join(folder, 'pgroute66.yml')
  const own = `bind: 127.0.0.1\nport: ${port}\nsocket: ${folder}/run.sock\n`
  const yaml = `${hostsYaml(cluster)}\n${serveYaml?.(site) ?? ''}\n${own}`
  writeFileSync(config, yaml, {mode: 0o600})
  mkdirSync(join(folder, 'bin'), {recursive: true})
  const serve = stack.use(new Serve(config))
  await serve.start()
  const way = stack.use(new Way())
  const passed = await way.before(port)
  const haproxy = stack.use(await startHaproxy(await haproxyConfig({...site, api: passed, config}), {cwd: folder}))
  const url = `http://127.0.0.1:${port}`
  return {
    style,
    cluster,
    serve,
    haproxy,
    url,
    delay: delayIn(folder, way),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Sessions that ask all the time. */
class Sessions implements AsyncDisposable {
  /** What became of each that ended. */
  readonly cut: string[] = []
  readonly #clients: pg.Client[] = []

  static async open(haproxy: Haproxy): Promise<Sessions> {
    const sessions = new Sessions()
    for (const name of ['write', 'read']) await until(() => accepts(haproxy, name))
    for (const name of ['write', 'write', 'write', 'read', 'read']) {
      const client = new pg.Client({
        host: '127.0.0.1',
        port: haproxy.port(name),
        user: 'postgres',
        database: 'postgres',
      })
      client.on('error', (error) => void sessions.cut.push(`${name}: ${error.message}`))
      await client.connect()
      sessions.#clients.push(client)
    }
    return sessions
  }

  async ask(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.query('select 1').catch(() => {})))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.connection.stream.destroy()
  }
}

async function silence({style, serve, haproxy}: Site, lookout: Lookout, times: number): Promise<readonly Row[]> {
  const cut: string[] = []
  const refusals: string[] = []
  let changes = 0
  for (let index = 0; index < times; index += 1) {
    await until(() => lookout.up.length === 1)
    await using sessions = await Sessions.open(haproxy)
    const before = lookout.ups.length
    serve.signal('SIGSTOP')
    await wait(silenceMs)
    const refusal = await refusalOf(haproxy)
    if (refusal !== null) refusals.push(refusal)
    serve.signal('SIGCONT')
    await wait(3_000)
    await sessions.ask()
    cut.push(...sessions.cut)
    changes += lookout.ups.length - before
  }
  return [
    {
      figure: `${style}: sessions cut by ${times} silences of ${silenceMs / 1000} s, of ${times * 5}`,
      measured:
        `${[cut.length, ...new Set(cut)].join(' ')}; changes of what is up: ${changes}; ` +
        `new ones refused at the end of ${refusals.length} silences ${refusals.join(', ')}`,
      target: '0',
      comparison: '',
      met: cut.length === 0,
    },
  ]
}

async function switchovers(site: Site, lookout: Lookout, runs: number): Promise<readonly Row[]> {
  const {style, cluster, haproxy, delay} = site
  const denials: number[] = []
  const successors: number[] = []
  const before = {looks: lookout.looks, index: lookout.ups.length}
  let left = 0
  let old = cluster.node('host1')
  for (let index = 0; index < runs; index += 1) {
    await until(() => lookout.up.join() === old.name)
    await wait(500 + ((index * 618) % 1_000))
    const isLate = index % 2 === 1
    delay(isLate ? old.name : null)
    await using sessions = await Sessions.open(haproxy)
    const next = cluster.nodes[(cluster.nodes.indexOf(old) + 1) % cluster.nodes.length] as PgNode
    const [third] = cluster.nodes.filter((node) => node !== old && node !== next) as [PgNode]
    const heard = lookout.heard.length
    // In turns: a crash with a promotion at once, and a promotion beside the living primary.
    const isCrash = index % 4 > 1
    const dead = isCrash ? old.kill() : null
    await next.promote()
    await dead
    const deposed = () => lookout.heard.slice(heard).find(({verdict}) => verdict.routed_to !== old.name)
    await until(() => deposed() !== undefined && !lookout.up.includes(old.name))
    const at = deposed()?.at ?? 0
    if (!isLate && !isCrash)
      denials.push((lookout.ups.find((up) => up.at >= at && !up.names.includes(old.name))?.at ?? 0) - at)
    await wait(300)
    left += 3 - Math.min(3, sessions.cut.length)
    if (isCrash) await until(() => lookout.up.join() === next.name)
    else await old.stop('fast')
    // On a busy machine the daemon may not hear that it stopped. As a standby it is no rival.
    await rejoin(old, next)
    await third.cloneFrom(next)
    await third.start()
    for (const standby of [old, third]) await until(async () => (await followersOf(next)).includes(standby.name))
    await until(() => lookout.up.join() === next.name)
    const routed = lookout.heard.slice(heard).find(({verdict}) => verdict.routed_to === next.name)?.at ?? 0
    if (!isLate)
      successors.push((lookout.ups.find((up) => up.at >= routed && up.names.includes(next.name))?.at ?? 0) - routed)
    old = next
  }
  delay(null)
  const ups = lookout.ups.slice(before.index)
  const twoUp = ups.reduce((sum, {names, looks}) => sum + (names.length > 1 ? looks : 0), 0)
  const row = (figure: string, measured: string, target: string, met: boolean | null): Row => ({
    figure: `${style}: ${figure}`,
    measured,
    target,
    comparison: '',
    met,
  })
  const limit = denialMs[style]
  return [
    row(
      `a verdict against the writer → HAProxy has it down, ${denials.length} times`,
      told(denials),
      `≤ ${seconds(limit)}`,
      quantile(denials, 1) <= limit,
    ),
    row('writers that kept their session on a host of the split brain', `${left}`, ...keptLimit(style, left)),
    row(`a verdict for the successor → HAProxy has it up, ${successors.length} times`, told(successors), '', null),
    row(
      `looks that found two writers up, ${runs} switchovers, every other "no" ${lateMs} ms late`,
      `${twoUp} of ${lookout.looks - before.looks}`,
      '0',
      twoUp === 0,
    ),
  ]
}

/** The push cuts when a successor stands, the other styles at the "no". */
const keptLimit = (style: HaproxyStyle, left: number): readonly [string, boolean | null] =>
  style === 'push' ? ['', null] : ['0', left === 0]

const denialMs: Readonly<Record<HaproxyStyle, number>> = {push: 100, agent: 300, httpchk: 400, external: 2_500}

/** Fifteen seconds without a daemon, which is dead or hangs, and its return. */
async function gone({style, serve, haproxy}: Site, signal: 'SIGKILL' | 'SIGSTOP'): Promise<readonly Row[]> {
  await using sessions = await Sessions.open(haproxy)
  const at = performance.now()
  if (signal === 'SIGKILL') await serve.kill()
  else serve.signal(signal)
  let refusedAt: number | null = null
  while (performance.now() - at < 15_000) {
    if (refusedAt === null && !(await accepts(haproxy))) refusedAt = performance.now()
    await wait(50)
  }
  await sessions.ask()
  const cutMeanwhile = sessions.cut.length
  if (signal === 'SIGKILL') await serve.start()
  else serve.signal('SIGCONT')
  const backAt = performance.now()
  await until(() => accepts(haproxy))
  const backMs = performance.now() - backAt
  await wait(3_000)
  await sessions.ask()
  const refusedMs = refusedAt === null ? null : refusedAt - at
  const isInTime =
    style === 'external' ? refusedMs === null : refusedMs !== null && refusedMs > 5_000 && refusedMs < 12_000
  return [
    {
      figure: `${style}: ${signal} to serve for 15 s: new writers refused after; sessions cut by it, and by the return`,
      measured:
        `${refusedMs === null ? 'never' : seconds(refusedMs)}; ${cutMeanwhile} of 5, ${sessions.cut.length} of 5; ` +
        `accepted again after ${seconds(backMs)}`,
      target: style === 'external' ? 'never; 0' : '6 to 10 s; 0',
      comparison: '',
      met: isInTime && sessions.cut.length === 0,
    },
  ]
}

/** Why a new client gets no session; `null`: it gets one. */
async function refusalOf(haproxy: Haproxy, name = 'write'): Promise<string | null> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: haproxy.port(name),
    user: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    return null
  } catch (error) {
    return String(error)
  } finally {
    client.connection.stream.destroy()
  }
}

const accepts = async (haproxy: Haproxy, name = 'write') => (await refusalOf(haproxy, name)) === null

const told = (times: readonly number[]) =>
  times.length === 0 ? 'none' : `median ${seconds(median(times))}, worst ${seconds(quantile(times, 1))}`
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
const wait = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs))
