import {readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {type Cluster, hostsYaml} from '../support/cluster.ts'
import {type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {type Daemon, usageOf} from './daemon.ts'
import type {Row} from './table.ts'

export type Load = Readonly<{exe: string; cluster: Cluster; daemon: Daemon; psql: string; seconds: number}>

/**
 * A real HAProxy with three servers and a check every second: what all of it costs, by the
 * executable and by a script with psql.
 */
export async function checkLoad({exe, cluster, daemon, psql, seconds}: Load): Promise<readonly Row[]> {
  const link = join(dirname(exe), 'pgroute66-check-primary')
  symlinkSync('pgroute66', link)
  const ours = await cost({cluster, daemon, seconds, command: link})
  const theirs = await cost({cluster, daemon, seconds, command: psql})
  // `serve` runs beside both: its sessions and what they cost PostgreSQL are in both figures.
  const told = ({haproxy, postgres, sessions}: Cost) =>
    `${percent(haproxy + postgres)} of a core (HAProxy and checks ${percent(haproxy)}, PostgreSQL ` +
    `${percent(postgres)}), ${sessions} PostgreSQL sessions`
  return [
    {
      figure:
        `HAProxy, three servers, inter 1s, ${seconds} s: the checks are the executable ` +
        `(serve itself: ${percent(ours.serve)})`,
      measured: told(ours),
      target: "≤ the script's; 0 sessions",
      comparison: `bash + Debian's psql: ${told(theirs)}`,
      met: ours.haproxy + ours.postgres <= theirs.haproxy + theirs.postgres && ours.sessions === 0,
    },
  ]
}

/**
 * PostgreSQL stopped, no daemon, `check.timeout: 800ms`: does the check end by itself, before
 * HAProxy ends it?
 */
export async function frozenUnderHaproxy({exe, cluster, seconds}: Load): Promise<readonly Row[]> {
  const folder = join(dirname(exe), 'frozen')
  const yaml =
    `${hostsYaml(cluster, ', sslmode: require')}\ncheck: {timeout: 800ms}\n` +
    `socket: ${folder}/absent.sock\nport: 1\n`
  const said = join(dirname(exe), 'said')
  const config = join(dirname(exe), 'frozen.yml')
  writeFileSync(config, yaml, {mode: 0o600})
  const script = join(dirname(exe), 'frozen.sh')
  writeFileSync(
    script,
    `#!/bin/bash\nPGROUTE66CONFIG=${config} ${exe} check "$@" >> ${said} 2>&1\ncode=$?\n` +
      `echo "exit $code" >> ${said}\nexit $code\n`,
    {
      mode: 0o755,
    },
  )
  for (const node of cluster.nodes) node.hang()
  await using haproxy = await startHaproxy(configOf(cluster, script))
  await wait(seconds * 1000)
  const text = readFileSync(said, 'utf8')
  const ends = [...text.matchAll(/^exit (\d+)$/gm)].map(([, code]) => code)
  const byItself = ends.filter((code) => code === '3').length
  const reasons = [...text.matchAll(/unavailable \((timeout|hung)/g)].length
  const status = await checkStatus(haproxy)
  await haproxy[Symbol.asyncDispose]()
  await wait(1_500)
  const left = processesOf(exe)
  for (const node of cluster.nodes) node.thaw()
  return [
    {
      figure: `PostgreSQL frozen, no daemon, check.timeout 800ms, inter 1s, ${seconds} s`,
      measured:
        `${byItself} of ${ends.length} checks ended by themselves, ${reasons} with the reason; HAProxy says ` +
        `${status}; ${left} processes left`,
      target: 'all; 0 left',
      comparison: '',
      met: ends.length > 0 && byItself === ends.length && reasons >= byItself && left === 0,
    },
  ]
}

type Cost = Readonly<{haproxy: number; postgres: number; serve: number; sessions: number}>
type Costing = Readonly<{cluster: Cluster; daemon: Daemon; seconds: number; command: string}>

async function cost({cluster, daemon, seconds, command}: Costing): Promise<Cost> {
  await using haproxy = await startHaproxy(configOf(cluster, command), {cwd: daemon.folder})
  await wait(3_000)
  const look = async () => ({
    haproxy: cpuOf(Number(/^Pid: (\d+)/m.exec(await haproxy.ask('show info'))?.[1])),
    postgres: cluster.nodes.reduce((sum, {pid}) => sum + (pid === null ? 0 : treeCpuOf(pid)), 0),
    serve: usageOf(daemon.pid).cpuS,
    sessions: await sessionsOf(cluster),
  })
  const before = await look()
  await wait(seconds * 1000)
  const after = await look()
  const share = (key: 'haproxy' | 'postgres' | 'serve') => (after[key] - before[key]) / seconds
  // Asking how many there were opens one per node.
  return {
    haproxy: share('haproxy'),
    postgres: share('postgres'),
    serve: share('serve'),
    sessions: after.sessions - before.sessions - cluster.nodes.length,
  }
}

const configOf = ({nodes}: Cluster, command: string): string =>
  [
    '    external-check\n    insecure-fork-wanted\ndefaults\n    mode tcp\n    timeout connect 1s\n' +
      '    timeout client 1s\n    timeout server 1s',
    `backend pg_write\n    option external-check\n    external-check command ${command}`,
    ...nodes.map(({name, port}) => `    server ${name} 127.0.0.1:${port} check inter 1s fall 1 rise 2`),
    '',
  ].join('\n')

/**
 * The word of HAProxy's for how the last check of the first server ended (its management guide,
 * 9.1, check_status).
 */
async function checkStatus(haproxy: Haproxy): Promise<string> {
  const [header = '', row = ''] = (await haproxy.ask('show stat -1 4 -1')).split('\n')
  return row.split(',')[header.split(',').indexOf('check_status')] ?? '?'
}

/** `pg_stat_database.sessions`: all that were ever opened (PostgreSQL 14 and later). */
async function sessionsOf({nodes}: Cluster): Promise<number> {
  const counts = await Promise.all(
    nodes.map((node) => node.sql('select sum(sessions)::int as sessions from pg_stat_database')),
  )
  return counts.reduce((sum, [row]) => sum + Number(row?.sessions), 0)
}

/**
 * CPU seconds of a process and of its children that it has waited for (proc(5), fields 14 to 17).
 */
function cpuOf(pid: number): number {
  const fields = statOf(pid)
  const [user = 0, system = 0, children = 0, childrensSystem = 0] = fields.slice(11, 15).map(Number)
  return (user + system + children + childrensSystem) / 100
}

/** The same with children that live. */
const treeCpuOf = (pid: number): number =>
  cpuOf(pid) +
  pids()
    .filter((one) => Number(statOf(one)[1]) === pid)
    .reduce((sum, one) => sum + cpuOf(one), 0)

/**
 * The fields behind the name, which may hold blanks: state, parent, …; nothing of one that is gone.
 */
function statOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return []
  }
}

const pids = (): readonly number[] => readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))

function processesOf(executable: string): number {
  const is = (pid: number) => {
    try {
      return readlinkSync(`/proc/${pid}/exe`) === executable
    } catch {
      return false
    }
  }
  return pids().filter(is).length
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
const wait = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs))
