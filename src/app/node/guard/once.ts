import {blockText} from '../../../actuators/guard/block.ts'
import type {Fence} from '../../../actuators/guard/fence.ts'
import {type GateOutcome, type GateServer, HbaGate} from '../../../actuators/guard/gate.ts'
import {beginning, type Decision} from '../../../actuators/guard/plan.ts'
import type {GuardSite} from '../../../config/guard-site.ts'
import {shut} from '../../../core/node/guard-settings.ts'
import type {Clock} from '../../../core/ports.ts'
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

/**
 * As many passes as a gate needs that opens: a second one agrees, and the other guards say that their gates are shut,
 * or a lease has ended.
 */
export async function decideOnce(
  site: GuardSite,
  {monitor, words}: Pick<GuardWatch, 'monitor' | 'words'>,
  clock: Clock,
): Promise<Decision> {
  const {intervalMs, leaseMs} = site.guard
  const until = clock.now() + leaseMs + 2 * intervalMs
  let held = beginning('one pass alone')
  for (;;) {
    const snapshot = monitor.current()
    const standing = standingOf(snapshot, site.group, site.host.name)
    held = decideNow(site, {snapshot, standing, words: words(), held, now: clock.now()})
    if (!['G7', 'G10'].includes(held.decision.rule) || clock.now() > until) return held.decision
    await sleep(clock, intervalMs, new AbortController().signal)
  }
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
