import {type Cluster, hasDebian, hostsYaml, startTestCluster} from '../support/cluster.ts'
import {startDaemon, usageOf} from './daemon.ts'
import type {Options, Row} from './table.ts'

/** A minute in which nothing happens: what PostgreSQL notices of us, and what we cost. */
export async function run({short}: Options): Promise<readonly Row[]> {
  const forMs = short ? 10_000 : 60_000
  const rows: Row[] = []
  for (const tls of [false, true]) {
    await using cluster = await startTestCluster({tls, ...(hasDebian ? {} : {nodes: 3})})
    const sslmode = tls ? ', sslmode: verify-full, sslrootcert: {ca}' : ''
    await using daemon = await startDaemon(hostsYaml(cluster, sslmode.replace('{ca}', `${cluster.folder}/ca.crt`)))
    // The first knocks, and what PostgreSQL says about its own start, are over.
    await wait(7_000)
    const before = {sessions: await sessions(cluster), lines: lines(cluster), usage: usageOf(daemon.pid)}
    await wait(forMs)
    const after = {sessions: await sessions(cluster), lines: lines(cluster), usage: usageOf(daemon.pid)}
    const seconds = forMs / 1000
    const opened = after.sessions - before.sessions
    rows.push(
      {
        figure: `${seconds} s at rest, ssl ${tls ? 'on' : 'off'}: new authenticated sessions; log lines`,
        measured: `${opened}; ${after.lines - before.lines}`,
        target: '0; 0',
        comparison: `a psql check every second would open ${3 * seconds}`,
        met: opened === 0 && after.lines === before.lines,
      },
      {
        figure: `serve on 3 hosts, ssl ${tls ? 'on' : 'off'}: CPU; memory`,
        measured:
          `${(((after.usage.cpuS - before.usage.cpuS) / seconds) * 100).toFixed(1)} % of a core; ` +
          `${after.usage.rssMb.toFixed(0)} MB`,
        target: '',
        comparison: '',
        met: null,
      },
    )
  }
  return rows
}

/**
 * Sessions of our role that are there now, with the backend's start: a new one is a new session,
 * even if an old one ended.
 */
const known = new Set<string>()
async function sessions(cluster: Cluster): Promise<number> {
  for (const node of cluster.nodes) {
    const rows = await node.sql(
      "select pid || ' ' || backend_start as backend from pg_stat_activity where usename = 'pgroute66'",
    )
    for (const {backend} of rows) known.add(`${node.port} ${backend}`)
  }
  return known.size
}

const lines = (cluster: Cluster) => cluster.nodes.reduce((sum, node) => sum + node.log.split('\n').length, 0)
const wait = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs))
