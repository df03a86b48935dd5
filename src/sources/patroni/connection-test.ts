import type {GuardSettings} from '../../core/node/guard-settings.ts'
import type {Clock, Random} from '../../core/ports.ts'
import type {GroupSettings, MonitorSettings, PatroniSettings} from '../../core/settings.ts'
import {claimOf} from './claim.ts'
import {Members} from './client.ts'
import {openTree} from './leader-tree.ts'
import {memberAnswer} from './member-answer.ts'
import {defaultTiming, longestHoldMs, type Timing, timingOf, tooLongHold, tooLongLease, wrongDelay} from './timing.ts'

/**
 * What `config check --connect` found of Patroni in one group. `problems`: what the operator should
 * fix. `leader`: the member that claims the lock, as the reasons name it; `null`: none that was asked.
 */
export type PatroniTrial = Readonly<{group: string; leader: string | null; problems: readonly string[]}>

const limitMs = 3_000
type Deps = Readonly<{clock: Clock; random: Random}>

type Tried = Pick<MonitorSettings, 'groups' | 'probe'> & Readonly<{guard: Pick<GuardSettings, 'leaseMs'> | null}>

/** Asks each configured member, and etcd, once. Never rejects. */
export const tryPatroni = ({groups, probe, guard}: Tried, deps: Deps): Promise<readonly PatroniTrial[]> =>
  Promise.all(
    groups.flatMap((group) =>
      group.patroni === null
        ? []
        : tryGroup(group, group.patroni, {...deps, maxAgeMs: probe.maxAgeMs, leaseMs: guard?.leaseMs ?? null}),
    ),
  )

type Trying = Deps & Readonly<{maxAgeMs: number; leaseMs: number | null}>

async function tryGroup(group: GroupSettings, settings: PatroniSettings, deps: Trying): Promise<PatroniTrial> {
  const {clock} = deps
  const members = new Members(settings, clock)
  const asked = await Promise.all(
    settings.urls.map((url) => tryMember(url, settings, members, deps).catch((error: unknown) => failed(url, error))),
  )
  const key = await tryKey(settings, deps)
  const found = [...asked, key]
  const timing = found.find((one) => one.timing !== null)?.timing ?? null
  return {
    group: group.name,
    leader: found.find(({leader}) => leader !== null)?.leader ?? null,
    problems: [
      ...found.flatMap(({problem}) => problem ?? []),
      ...(timing === null ? [] : tooLong(group, timing, deps)),
    ],
  }
}

/** What the file holds for longer than the cluster waits. */
function tooLong({onSilent, failoverAfterMs}: GroupSettings, timing: Timing, deps: Trying): readonly string[] {
  const {maxAgeMs, leaseMs} = deps
  const holdMs = typeof onSilent === 'string' ? 0 : onSilent.holdMs
  const hold = holdMs > longestHoldMs(timing, maxAgeMs) ? `on_silent ${tooLongHold(holdMs, timing, maxAgeMs)}` : null
  const lease = leaseMs === null ? null : tooLongLease(leaseMs, timing)
  return [hold, wrongDelay(failoverAfterMs, timing), lease].filter((problem) => problem !== null)
}

type Found = Readonly<{leader: string | null; timing: Timing | null; problem: string | null}>

const failed = (what: string, error: unknown): Found => ({
  leader: null,
  timing: null,
  problem: `${what} cannot be asked: ${error instanceof Error ? error.message : error}`,
})

async function tryMember(url: string, {scope}: PatroniSettings, members: Members, deps: Trying): Promise<Found> {
  const {clock, maxAgeMs} = deps
  const member = await members.at(url)
  const now = clock.now()
  const said = memberAnswer(await member.health('/leader', {timeoutMs: limitMs}), now)
  const {ttlMs, loopWaitMs} = defaultTiming
  const claim = claimOf(url, said, {scope, systemIdentifier: null, ttlMs, loopWaitMs, now, maxAgeMs})
  const timing = timingOf((await member.config({timeoutMs: limitMs}).catch(() => null))?.data ?? null)
  const problem = claim.kind === 'stranger' || claim.kind === 'silent' ? claim.why : null
  return {leader: claim.kind === 'claims' ? url : null, timing, problem}
}

async function tryKey(settings: PatroniSettings, deps: Trying): Promise<Found> {
  if (settings.etcd === null || settings.via === 'rest') return {leader: null, timing: null, problem: null}
  try {
    const tree = await openTree(settings, settings.etcd, deps)
    const {leader, members, config} = await tree.read(AbortSignal.timeout(limitMs))
    const where = `etcd has no keys of ${settings.namespace} ${settings.scope}`
    return {leader, timing: timingOf(config), problem: members.length === 0 ? where : null}
  } catch (error) {
    return failed('the leader key', error)
  }
}

/** One line for each group, and one for each problem. */
export const patroniText = (trials: readonly PatroniTrial[]): readonly string[] =>
  trials.flatMap(({group, leader, problems}) => [
    `${group}  patroni: ${leader === null ? 'no leader was found' : `${leader} leads`}`,
    ...problems.map((problem) => `${group}  patroni: ${problem}`),
  ])
