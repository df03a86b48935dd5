import {setImmediate} from 'node:timers/promises'
import {type Site, startSite} from './connector/site.ts'
import {underFaults} from './connector/under-faults.ts'
import {type Options, type Row, slope} from './table.ts'

/** What the account of the callers, and the servers' own logs, may add. */
const heapTargetMb = 1

type Sample = Readonly<{minute: number; heapMb: number}>

/**
 * The faults of `connector` in turn, under fewer callers, for --minutes (60): whether the process
 * lives, its heap stays flat, and no client is out when the callers have ended.
 */
export async function run({minutes, short}: Options): Promise<readonly Row[]> {
  const errors: unknown[] = []
  const caught = (error: unknown) => void errors.push(error)
  process.on('uncaughtException', caught)
  process.on('unhandledRejection', caught)
  try {
    await using site = await startSite()
    const samples: Sample[] = []
    const begun = performance.now()
    const sample = async () => {
      const heapMb = await heapAfterCollection()
      samples.push({minute: (performance.now() - begun) / 60_000, heapMb})
      console.error(`${samples.at(-1)?.minute.toFixed(1)} min: heap ${heapMb.toFixed(2)} MB, clients out ${out(site)}`)
    }
    const forMs = (short ? 0 : (minutes ?? 60)) * 60_000
    const found = await underFaults(site, {readers: 24, writers: 6, pauseMs: 200, forMs, each: sample})
    for (const error of errors) console.error(error)
    return [...found, ...rows(samples, {clients: out(site), uncaught: errors.length})]
  } finally {
    process.off('uncaughtException', caught)
    process.off('unhandledRejection', caught)
  }
}

/** Statements that run, and clients that were not given back. */
const out = ({dbs}: Site): number => dbs.flatMap(({nodes}) => nodes).reduce((sum, {inFlight}) => sum + inFlight, 0)

async function heapAfterCollection(): Promise<number> {
  // `npm run bench` does not expose it.
  const {setFlagsFromString} = await import('node:v8')
  setFlagsFromString('--expose-gc')
  const collect = (await import('node:vm')).runInNewContext('gc') as () => void
  collect()
  // Finalizers run in between, and what they let go is garbage too.
  await setImmediate()
  collect()
  return process.memoryUsage().heapUsed / 2 ** 20
}

function rows(samples: readonly Sample[], {clients, uncaught}: Readonly<{clients: number; uncaught: number}>): Row[] {
  const warm = samples.slice(Math.floor(samples.length / 3))
  const growth = 10 * slope(warm.map(({minute, heapMb}) => [minute, heapMb]))
  const [first, last] = [samples[0], samples.at(-1)]
  return [
    {
      figure: 'heap after a garbage collection',
      measured: `${growth >= 0 ? '+' : ''}${growth.toFixed(2)} MB per 10 min`,
      target: `≤ ${heapTargetMb} MB per 10 min`,
      comparison: `${first?.heapMb.toFixed(1)} → ${last?.heapMb.toFixed(1)} MB in ${last?.minute.toFixed(0)} min`,
      met: growth <= heapTargetMb,
    },
    {figure: 'clients out at the end', measured: `${clients}`, target: '0', comparison: '', met: clients === 0},
    {figure: 'uncaught errors', measured: `${uncaught}`, target: '0', comparison: '', met: uncaught === 0},
  ]
}
