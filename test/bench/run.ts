/**
 * `npm run bench -- [NAME…] [--short] [--minutes N] [--style STYLE] [--runs N] [--hosts N]`: measures, beside
 * something known in the same run. Ends with 1 only when a run broke.
 */
import {parseArgs} from 'node:util'
import {type Options, type Row, table} from './table.ts'
import {ToolMissing} from './tool.ts'

type Bench = Readonly<{run(options: Options): Promise<readonly Row[]>}>

/** `isOnDemand`: runs when it is named, not with all the others. */
type Entry = Readonly<{about: string; load: () => Promise<Bench>; isOnDemand?: boolean}>

const benches: Readonly<Record<string, Entry>> = {
  crash: {
    about: 'kill -9 of the primary, until /v1/primary is []; promotion, until it names the new one',
    load: () => import('./crash.ts'),
  },
  primgr: {
    about:
      "/state of primgr's port at a crash with failover by repmgrd, in a split brain and after it: 503, 509 and 200",
    load: () => import('./primgr.ts'),
  },
  repmgr: {
    about:
      'a real repmgr cluster in network namespaces: switchover, failover, partitions, two primaries; writes that ' +
      'HAProxy sends to a deposed host; and every small network beside harepd and primgr; as root',
    load: () => import('./repmgr.ts'),
    isOnDemand: true,
  },
  hang: {about: 'a frozen host: noticed when, and what it does to the API', load: () => import('./hang.ts')},
  bounds: {
    about:
      'the bounds of config check for each profile (--runs, 10): a frozen primary noticed within them, no false alarm',
    load: () => import('./bounds.ts'),
  },
  rest: {
    about: 'a minute at rest: connections and log lines in PostgreSQL, CPU and memory of serve',
    load: () => import('./rest.ts'),
  },
  haproxy: {
    about:
      'failovers under a client that writes through a real HAProxy in four styles (--style): outage, and ' +
      'never two writers',
    load: () => import('./haproxy.ts'),
  },
  silence: {
    about:
      'a daemon that is silent, dies, or deposes a writer, behind a real HAProxy in four styles (--style): ' +
      'sessions that are cut, how fast, and how many writers are up',
    load: () => import('./silence.ts'),
  },
  pgbouncer: {
    about:
      'switches under clients that write through a real PgBouncer, planned with PAUSE and by kill -9: ' +
      'how long clients wait, and which see an error',
    load: () => import('./pgbouncer.ts'),
  },
  switchover: {
    about:
      'planned switches (--runs, 20) by a command and by Patroni, under 210 clients of pgbench through PgBouncer and ' +
      'HAProxy: errors, and how long clients wait',
    load: () => import('./switchover.ts'),
  },
  chaos: {
    about:
      'random failovers (--runs, 100) through a real HAProxy, with partitions, resets, restored snapshots and ' +
      'names that move, while HAProxy is reloaded and serve is killed: what must never happen; only when it is named',
    load: () => import('./chaos.ts'),
    isOnDemand: true,
  },
  startup: {
    about:
      'the executable: its start, its size and the cost of its checks, beside bare node and scripts ' +
      'with psql and curl',
    load: () => import('./startup.ts'),
  },
  http: {
    about: '/v1/primary over HTTPS: requests per second and p99, beside a bare node:https server',
    load: () => import('./http.ts'),
  },
  floods: {
    about:
      'thousands of idle, slow and unread connections to the API: how late it answers, and what it closes and counts',
    load: () => import('./floods.ts'),
    isOnDemand: true,
  },
  hostile: {
    about:
      'servers that no PostgreSQL is, 36 kinds, against check, watch and serve: memory, causes, and secrets that ' +
      'are sent; only when it is named',
    load: () => import('./hostile.ts'),
    isOnDemand: true,
  },
  openapi: {
    about: 'requests (--runs, 2,500) made from the OpenAPI document: answers that it does not tell',
    load: () => import('./openapi.ts'),
  },
  scrape: {
    about: '/metrics of 1,000 hosts (--hosts): how long nothing else runs, beside the same snapshot as JSON',
    load: () => import('./scrape.ts'),
  },
  scale: {
    about: '10, 100 and 1,000 hosts: CPU, memory, and whether all are probed on time',
    load: () => import('./scale.ts'),
  },
  distance: {
    about:
      'healthy hosts far away, and behind a network that loses packets (--minutes, 2 each): unavailable, and not ' +
      'routed to; as root',
    load: () => import('./distance.ts'),
    isOnDemand: true,
  },
  alarms: {
    about:
      'a primary under full write load for --minutes (10), its standbys restarted, itself crashed, eight busy loops ' +
      'beside it: how often it is said to be behind',
    load: () => import('./alarms.ts'),
    isOnDemand: true,
  },
  versions: {
    about: 'the tests about PostgreSQL itself on each version from 13 to 18 (from npm); as root',
    load: () => import('./versions.ts'),
    isOnDemand: true,
  },
  busy: {
    about:
      'a busy machine: a start with 1,000 hosts (--hosts) beside 20 busy loops, and a daemon that is stopped for ' +
      '1.3 s ten times in --minutes (10) beside eight; only when it is named',
    load: () => import('./busy.ts'),
    isOnDemand: true,
  },
  worlds: {
    about: 'every history of small worlds, judged by the product: breaches; minutes; runs only when named',
    load: () => import('./worlds.ts'),
    isOnDemand: true,
  },
  connector: {
    about:
      'the connector: 200 callers by three ways, while servers, daemon, names, TLS and PgBouncer fail in twelve ways ' +
      'for --minutes (5): reads lost, writes done twice; only when it is named',
    load: () => import('./connector.ts'),
    isOnDemand: true,
  },
  'connector-causal': {
    about:
      'the connector: pairs of a write and a read after its token (--runs, 100,000), while replay is paused, and ' +
      'through a failover: stale reads; only when it is named',
    load: () => import('./connector-causal.ts'),
    isOnDemand: true,
  },
  'connector-hedge': {
    about:
      'the connector: the slowest read while a reader freezes (--runs, 5), with a hedge and without; only when it is ' +
      'named',
    load: () => import('./connector-hedge.ts'),
    isOnDemand: true,
  },
  'connector-cost': {
    about: 'the connector: CPU and p99 of a read and of a write beside pg.Pool; only when it is named',
    load: () => import('./connector-cost.ts'),
    isOnDemand: true,
  },
  'connector-soak': {
    about:
      'the connector: the same faults for --minutes (60): heap, clients out, uncaught errors; only when it is named',
    load: () => import('./connector-soak.ts'),
    isOnDemand: true,
  },
  arm64: {
    about: 'executable and packages for arm64, built and run under qemu-user: what runs, and how long it takes',
    load: () => import('./arm64.ts'),
    isOnDemand: true,
  },
  rejoin: {
    about:
      'random failovers (--runs, 30) under write load with synchronous replication: each old primary comes back by ' +
      'rejoin --auto, and acknowledged writes that are lost; only when it is named',
    load: () => import('./rejoin.ts'),
    isOnDemand: true,
  },
  kills: {
    about:
      'kill -9 of rejoin, and of the guard while it writes, at each system call that changes something: whether the ' +
      'server starts right, a rerun finishes and no WAL is lost; needs strace; only when it is named',
    load: () => import('./kills.ts'),
    isOnDemand: true,
  },
  soak: {
    about: 'hosts that restart every 5 s for --minutes (30): heap, handles, sockets; only when it is named',
    load: () => import('./soak.ts'),
    isOnDemand: true,
  },
  shared: {
    about:
      'three processes that share groups over a real etcd of three, with --hosts (900): kill -9, SIGSTOP, a cut, no ' +
      'quorum, a rolling restart, all while databases fail over; writes to etcd and its growth in --minutes (10); ' +
      '--style wan for slower probes; only when it is named',
    load: () => import('./shared.ts'),
    isOnDemand: true,
  },
  histories: {
    about:
      'random histories (--runs, 10,000; from SEED on) of three to five instances that share groups: breaches; only ' +
      'when it is named',
    load: () => import('./histories.ts'),
    isOnDemand: true,
  },
  rules: {
    about:
      'each safety rule taken out: how many random histories (--runs, 10,000) until one notices; only ' +
      'when it is named',
    load: () => import('./rules-out.ts'),
    isOnDemand: true,
  },
}

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    short: {type: 'boolean', default: false},
    minutes: {type: 'string'},
    style: {type: 'string'},
    runs: {type: 'string'},
    hosts: {type: 'string'},
  },
})
const unknown = positionals.filter((name) => name !== 'list' && benches[name] === undefined)
if (positionals.includes('list') || unknown.length > 0) {
  if (unknown.length > 0) console.error(`there is no bench ${unknown.join(', ')}; there are:`)
  for (const [name, {about}] of Object.entries(benches)) console.log(`  ${name.padEnd(8)} ${about}`)
  process.exit(unknown.length > 0 ? 2 : 0)
}

const whole = Object.keys(benches).filter((name) => !benches[name]?.isOnDemand)
const names = positionals.length > 0 ? positionals : whole
const numberOf = (text: string | undefined) => (text === undefined ? null : Number(text))
const options: Options = {
  short: values.short,
  minutes: numberOf(values.minutes),
  style: values.style ?? null,
  runs: numberOf(values.runs),
  hosts: numberOf(values.hosts),
}
let broken = 0
for (const name of names) {
  console.log(`\n${name}: ${benches[name]?.about}`)
  try {
    const bench = await benches[name]?.load()
    console.log(table((await bench?.run(options)) ?? []))
  } catch (error) {
    // The others are still worth their time.
    console.error(error instanceof ToolMissing ? error.message : error)
    broken += 1
  }
}
process.exit(broken > 0 ? 1 : 0)
