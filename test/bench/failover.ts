import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {freePorts} from '../../src/demo/free-ports.ts'
import {followersOf, hostsYaml, type PgNode, rejoin, startTestCluster, until} from '../support/cluster.ts'
import {startHaproxy} from '../support/haproxy.ts'
import {startDaemon} from './daemon.ts'
import {Lookout} from './lookout.ts'
import {Writer, writtenTable} from './writer.ts'

/**
 * `crash`: `kill -9` of the postmaster, a standby is promoted at once. `freeze`: SIGSTOP of all its
 * processes, a standby is promoted a second later. `split-brain`: a standby is promoted while the
 * primary lives. Whatever is left of the old primary after `graceMs` is killed: somebody fences it.
 */
export type Kind = 'crash' | 'freeze' | 'split-brain'

/** Where everything is, before any of it has started. */
export type Site = Readonly<{
  /**
   * For sockets and scripts. HAProxy's working directory is another: the daemon's, with its
   * `pgroute66.yml`.
   */
  folder: string
  hosts: readonly Readonly<{name: string; port: number}>[]
  /** Free ones, for whatever a style has to agree upon with the daemon. */
  ports: readonly number[]
}>

/** A way by which HAProxy comes to know what the daemon says. */
export type Style = Readonly<{
  /**
   * A `haproxy.cfg` whose backend `pg_write` listens on 127.0.0.1:{port:write}. `api`: the daemon's
   * port; `config`: its configuration.
   */
  haproxyConfig: (site: Site & Readonly<{api: number; config: string}>) => string | Promise<string>
  /** Lines for the daemon's configuration. */
  serveYaml?: (site: Site) => string
  kinds: readonly Kind[]
  /** How many failovers; the kinds take turns. */
  runs: number
}>

/** One failover. Times are milliseconds; `null`: it never came to that. */
export type Failover = Readonly<{
  kind: Kind
  /**
   * To the first write on the next primary: from the blow, or from the fencing of the old primary
   * where it took that.
   */
  outageMs: number | null
  isAfterFencing: boolean
  /** From the blow until the next primary says that it is one, and until a verdict routes to it. */
  promotedMs: number
  routedMs: number
  /**
   * From the verdict that no longer routes to the old primary to the last write there; negative:
   * none after it.
   */
  lateMs: number
  /** Writes acknowledged by the old primary after the first one by the next. */
  returns: number
  /** The next primary was written to before a verdict routed to it. */
  isEarly: boolean
}>
export type Failovers = Readonly<{
  failovers: readonly Failover[]
  /** How often HAProxy was looked at, and how often more than one server was up. */
  looks: number
  twoUp: number
  /** From the first look at HAProxy until just one server was up. */
  settledMs: number
  /** Of connections, by text. */
  errors: ReadonlyMap<string, number>
}>

/**
 * A host that changed is probed ten times as often for 10 s (DESIGN 5), and trouble seldom waits
 * for such a moment.
 */
const calmMs = 11_000
const graceMs = 4_000
/** Writes that have not come back by then do not come back by themselves. */
const limitMs = 30_000

export async function runFailovers(style: Style): Promise<Failovers> {
  await using cluster = await startTestCluster()
  await cluster.nodes[0]?.sql(writtenTable)
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-failover-'))
  await using _ = {[Symbol.asyncDispose]: () => rm(folder, {recursive: true, force: true})}
  await using free = await freePorts(3)
  const site: Site = {folder, hosts: cluster.nodes.map(({name, port}) => ({name, port})), ports: free.ports}
  await using daemon = await startDaemon(`${hostsYaml(cluster)}\n${style.serveYaml?.(site) ?? ''}`)
  const api = Number(new URL(daemon.url).port)
  const file = await style.haproxyConfig({...site, api, config: join(daemon.folder, 'pgroute66.yml')})
  await using haproxy = await startHaproxy(file, {cwd: daemon.folder})
  await using lookout = new Lookout(haproxy, 'pg_write', daemon.url)
  await until(() => lookout.up.length === 1)
  const checkedAt = lookout.ups.at(-1)?.at ?? 0
  await using writer = new Writer(haproxy.port('write'))

  const failovers: Failover[] = []
  let old = cluster.node('host1')
  for (let index = 0; index < style.runs; index += 1) {
    await until(() => lookout.up.join() === old.name && writer.acks.at(-1)?.port === old.port)
    // Each begins at another moment between two checks.
    await wait(calmMs + ((index * 618) % 1_000))
    const standbys = cluster.nodes.filter((node) => node !== old)
    const kind = style.kinds[index % style.kinds.length] as Kind
    const {next, third, ...failover} = await failOver(kind, old, standbys, writer, lookout)
    failovers.push(failover)
    await rejoin(old, next)
    // One that was sent more by the old primary than the next one had does not follow that one.
    if (!(await follows(third, next))) {
      await third.cloneFrom(next)
      await third.start()
    }
    for (const standby of [old, third]) await until(() => follows(standby, next))
    old = next
  }

  const ups = lookout.ups.filter(({at}) => at >= checkedAt)
  const looksWith = (isSo: (up: number) => boolean) =>
    ups.reduce((sum, {names, looks}) => sum + (isSo(names.length) ? looks : 0), 0)
  return {
    failovers,
    looks: looksWith(() => true),
    twoUp: looksWith((up) => up > 1),
    settledMs: checkedAt - (lookout.ups[0]?.at ?? 0),
    errors: writer.errors,
  }
}

type Ended = Failover & Readonly<{next: PgNode; third: PgNode}>

async function failOver(
  kind: Kind,
  old: PgNode,
  standbys: readonly PgNode[],
  writer: Writer,
  lookout: Lookout,
): Promise<Ended> {
  const begunAt = performance.now()
  const begunWith = writer.acks.length
  // Nobody waits for the last of its processes: the script that promotes is there at once.
  const dead = kind === 'crash' ? old.kill() : null
  if (kind === 'freeze') {
    old.hang()
    await wait(1_000)
  }
  const [next, third] = await byProgress(standbys)
  await next.promote()
  const promotedAt = performance.now()
  await third.follow(next)
  await dead

  const acks = () => writer.acks.slice(begunWith)
  const firstOnNext = () => acks().find(({port}) => port === next.port)?.at ?? null
  const resumes = (withinMs: number) => until(() => firstOnNext() !== null, withinMs).catch(() => {})
  // Both live: nobody may be written to, and that it stays so is what has to be seen.
  if (kind === 'split-brain') await wait(graceMs)
  else await resumes(graceMs)
  const fencedAt = performance.now()
  const isAfterFencing = firstOnNext() === null
  await old.kill()
  await resumes(limitMs)

  const resumedAt = firstOnNext()
  const heardAt = (isSo: (routedTo: string | null) => boolean) =>
    lookout.heard.find(({at, verdict}) => at >= begunAt && isSo(verdict.routed_to))?.at ?? Number.POSITIVE_INFINITY
  const onOld = acks().filter(({port}) => port === old.port)
  return {
    kind,
    next,
    third,
    outageMs: resumedAt === null ? null : resumedAt - (isAfterFencing ? fencedAt : begunAt),
    isAfterFencing,
    promotedMs: promotedAt - begunAt,
    routedMs: heardAt((host) => host === next.name) - begunAt,
    lateMs: (onOld.at(-1)?.at ?? begunAt) - heardAt((host) => host !== old.name),
    returns: resumedAt === null ? 0 : onOld.filter(({at}) => at > resumedAt).length,
    isEarly: resumedAt !== null && resumedAt < heardAt((host) => host === next.name),
  }
}

/** The one that has received most comes first, as every tool that promotes chooses it. */
async function byProgress(standbys: readonly PgNode[]): Promise<readonly [PgNode, PgNode]> {
  const ranked = await Promise.all(
    standbys.map(async (node) => ({
      node,
      lsn: Number((await node.sql("select pg_last_wal_receive_lsn() - '0/0' as lsn"))[0]?.lsn),
    })),
  )
  return ranked.toSorted((a, b) => b.lsn - a.lsn).map(({node}) => node) as [PgNode, PgNode]
}

const follows = async (standby: PgNode, primary: PgNode): Promise<boolean> =>
  (await followersOf(primary)).includes(standby.name)

const wait = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs))
