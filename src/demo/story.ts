import type {SnapshotSource} from '../core/ports.ts'
import type {HostState, Verdict} from '../core/snapshot.ts'
import {suspectOf} from '../core/verdict/verdict-kind.ts'
import {onAbort} from '../core/wait.ts'
import type {Cluster} from './cluster.ts'
import {until} from './wait-until.ts'

export type Stage = Readonly<{
  cluster: Cluster
  source: SnapshotSource
  /** Monotonic milliseconds. */
  now: () => number
  tell: (line: string) => void
  signal: AbortSignal
}>

/** Every step takes about a second. After a minute the story gives up. */
const timeoutMs = 60_000

/**
 * The story that the demo plays by itself: crash, promotion, the return of the old primary beside
 * and instead of the new one, repair. It waits for every verdict and prints its time and how long
 * after the event it came. Rejects when a verdict does not come.
 */
export async function playStory({cluster, source, now, tell, signal}: Stage): Promise<void> {
  const [host1, host2, host3] = ['host1', 'host2', 'host3'].map((name) => cluster.node(name))
  if (!host1 || !host2 || !host3) throw new Error('the story needs three nodes')
  const {scene, done, begin} = narrator({source, now, tell, signal})
  await begin()
  await scene(
    'kill -9: host1 crashes.',
    async () => {
      done()
      await host1.kill()
    },
    ({kind}) => kind === 'no-primary',
  )
  await scene(
    'host2 is promoted, host3 follows it.',
    async () => {
      await host2.promote()
      done()
      await host3.follow(host2)
    },
    ({kind, routedTo}) => kind === 'primary' && routedTo === 'host2',
  )
  await until(async () => signal.aborted || isFollowing(source.current().hosts.host3, 'host2'))
  await scene(
    'An operator starts the old host1 with its old data: two primaries.',
    async () => {
      await host1.start()
      done()
    },
    (verdict) => suspectOf(verdict) === 'host1',
  )
  await scene(
    'host2 crashes: the old host1 is the only visible primary, without the writes that host2 took.',
    async () => {
      done()
      await host2.kill()
    },
    ({situation}) => situation === 'two-primaries-one-unseen',
  )
  await scene(
    'host2 starts again, and host1 is rebuilt as its standby.',
    async () => {
      await host2.start()
      await host1.cloneFrom(host2)
      await host1.start()
      done()
    },
    ({kind, routedTo}) =>
      kind === 'primary' && routedTo === 'host2' && source.current().hosts.host1?.role === 'standby',
  )
  tell('\nRepaired. At no moment did two hosts get writes.')
}

/** Runs and prints the scenes of the story. */
function narrator({source, now, tell, signal}: Omit<Stage, 'cluster'>) {
  const start = now()
  const time = () => `${((now() - start) / 1000).toFixed(2).padStart(6)} s`

  const print = (verdict: Verdict, sinceMs: number | null) => {
    const routed = verdict.routedTo === null ? 'nothing is routed' : `writes go to ${verdict.routedTo}`
    const after = sinceMs === null ? '' : `, ${Math.round(sinceMs)} ms after that`
    tell(`${time()}    ${verdict.kind} (${verdict.rule}): ${routed}${after}`)
    tell(`             ${verdict.why}`)
  }
  /**
   * Runs `deed` and waits for the verdict that must follow. `deed` calls `done` at the moment from
   * which the delay counts.
   */
  const scene = async (title: string, deed: () => Promise<unknown>, isRight: (verdict: Verdict) => boolean) => {
    tell(`\n${time()}  ${title}`)
    const [seen] = await Promise.all([verdictOf(source, isRight, signal, now), deed()])
    print(seen.verdict, Math.max(0, seen.at - deedAt))
  }
  let deedAt = now()
  const done = () => {
    deedAt = now()
  }
  const begin = async () => {
    tell('Three PostgreSQL servers: host1 is primary, host2 and host3 stream from it.')
    const first = await verdictOf(source, ({kind, routedTo}) => kind === 'primary' && routedTo === 'host1', signal, now)
    print(first.verdict, null)
  }
  return {scene, done, begin}
}

/** The first verdict that `isRight` accepts, now or later. */
function verdictOf(
  source: SnapshotSource,
  isRight: (verdict: Verdict) => boolean,
  signal: AbortSignal,
  now: () => number,
): Promise<Readonly<{verdict: Verdict; at: number}>> {
  const {promise, resolve, reject} = Promise.withResolvers<{verdict: Verdict; at: number}>()
  const look = () => {
    const verdict = source.current().groups.all?.verdict
    if (verdict && isRight(verdict)) resolve({verdict, at: now()})
  }
  const stop = source.subscribe(look)
  const giveUp = () => {
    const last = source.current().groups.all?.verdict.why
    reject(new Error(`the expected verdict did not come within ${timeoutMs / 1000} s; the last one is "${last}"`))
  }
  const late = setTimeout(giveUp, timeoutMs)
  const abort = () => reject(new Error('the story was stopped'))
  const forget = onAbort(signal, abort)
  look()
  return promise.finally(() => {
    stop()
    clearTimeout(late)
    forget()
  })
}

const isFollowing = (host: HostState | undefined, upstream: string) =>
  host?.role === 'standby' && host.upstream === upstream
