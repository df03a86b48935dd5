import {blockText} from '../../../actuators/guard/block.ts'
import type {Fence} from '../../../actuators/guard/fence.ts'
import {type GateOutcome, type GateServer, HbaGate} from '../../../actuators/guard/gate.ts'
import {beginning, type Decision, denied} from '../../../actuators/guard/plan.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import {answersCountFor, shut} from '../../../core/node/guard-settings.ts'
import type {Clock, SnapshotSource} from '../../../core/ports.ts'
import {deadline, sleep} from '../../../core/wait.ts'
import type {GuardWatch} from './compose.ts'
import {decideNow} from './decide-now.ts'
import {standingOf} from './standing.ts'

/** 0: allow is written. 1: deny is written. 3: neither could be made to count. */
export type GuardExit = 0 | 1 | 3

export type DenyParts = Readonly<{site: GuardSite; server: GateServer; fence: Fence; clock: Clock}>

/** For a stop, and before a start: deny, whatever the state is. Never rejects. */
export async function denyNow({site, server, fence, clock}: DenyParts): Promise<GateOutcome> {
  const {guard} = site
  using limit = deadline(clock, denyMs)
  const shutTrouble = await fence.shut()
  const outcome = await new HbaGate(guard, server).apply(shut, limit.signal)
  if (guard.terminate) await server.terminate([...guard.rules.readWrite, ...guard.rules.readOnly], limit.signal)
  return shutTrouble === null ? outcome : {...outcome, problems: [...outcome.problems, shutTrouble]}
}

/** For the whole command: systemd waits for it. */
const denyMs = 10_000

export type OnceParts = Readonly<{monitor: Pick<SnapshotSource, 'current'>; words: GuardWatch['words']; clock: Clock}>

/**
 * Makes passes until the decision waits neither for a second one (G7) nor for the gate of another host (G10). `stop`
 * aborted: deny, because a gate must not open after the command was told to end.
 */
export async function decideOnce(
  site: GuardSite,
  {monitor, words, clock}: OnceParts,
  stop: AbortSignal,
): Promise<Decision> {
  const {intervalMs, leaseMs} = site.guard
  const until = clock.now() + leaseMs + answersCountFor(site.guard) + 2 * intervalMs
  let held = beginning('one pass alone')
  while (!stop.aborted) {
    const snapshot = monitor.current()
    const standing = standingOf(snapshot, site.group, site.host.name)
    held = decideNow(site, {snapshot, standing, words: words(), held, now: clock.now()})
    if (!['G7', 'G10'].includes(held.decision.rule) || clock.now() > until) return held.decision
    await sleep(clock, intervalMs, stop)
  }
  return denied('G9', 'the command was told to end')
}

export function exitOf({gates}: Decision, {hasFailed, gates: written}: GateOutcome): GuardExit {
  if (hasFailed || written === null) return 3
  return gates.readWrite === 'allow' || gates.readOnly === 'allow' ? 0 : 1
}

/** What a pass would write, for `--dry-run`. */
export const dryText = ({guard, host}: GuardSite, {gates, rule, why}: Decision): readonly string[] => [
  `guard (dry run) of ${host.name}: writers ${gates.readWrite}, readers ${gates.readOnly}. Nothing was changed.`,
  `  ${rule}: ${why}`,
  ...blockText(guard.rules, gates)
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`),
]
