import {changesOfContradictions} from './evidence/contradiction.ts'
import {
  type ActuatorState,
  type Change,
  causeOf,
  type GroupState,
  type Hold,
  type HostState,
  type Maintenance,
} from './snapshot.ts'
import {suspectOf} from './verdict/verdict-kind.ts'

/** The number of changes that the daemon keeps, over restarts too. */
export const keptChanges = 1_000

/**
 * A change of this or of an earlier run. `at`: wall clock, milliseconds. `epoch` and `sequence`: as
 * of the snapshot that showed it first.
 */
export type PastChange = Readonly<{at: number; epoch: string; sequence: number; change: Change}>

/**
 * What changed of one host. LSNs, lags and ages are not changes. `before` undefined: the host is
 * new, which is not a change either.
 */
export function changesOfHost(before: HostState | undefined, after: HostState): readonly Change[] {
  if (before === undefined) return []
  const about = {group: null, host: after.host, rule: null}
  const changes: Change[] = []
  if (before.role !== after.role || causeOf(before) !== causeOf(after)) {
    const why =
      after.role === 'unavailable' ? [after.cause, after.detail].filter(Boolean).join(': ') : `answers as ${after.role}`
    changes.push({...about, kind: 'role', from: before.role, to: after.role, why})
  }
  if ((before.drained === null) !== (after.drained === null)) {
    const why = after.drained
      ? `drained by ${after.drained.by}${after.drained.reason === null ? '' : `: ${after.drained.reason}`}`
      : 'resumed'
    changes.push({
      ...about,
      kind: 'drain',
      from: before.drained ? 'drained' : 'in rotation',
      to: after.drained ? 'drained' : 'in rotation',
      why,
    })
  }
  return changes
}

/**
 * What changed of a group: the verdict (kind, rule, route, primary, suspect, rivals), the answer of
 * each required source, and whether a source contradicts SQL.
 */
export function changesOfGroup(before: GroupState | undefined, after: GroupState): readonly Change[] {
  const [was, is] = [before?.verdict, after.verdict]
  const changes: Change[] = []
  const isSame =
    was?.kind === is.kind &&
    was.rule === is.rule &&
    was.situation === is.situation &&
    was.primary === is.primary &&
    was.routedTo === is.routedTo &&
    suspectOf(was) === suspectOf(is) &&
    // Which hosts are up while starting is no news; which hosts are rivals is.
    (is.kind !== 'split-brain' || was.primaries.join() === is.primaries.join())
  if (!isSame) changes.push(changeOfVerdict(after, was?.kind ?? null))
  for (const item of after.evidence.filter(({required}) => required)) {
    const earlier = before?.evidence.find((other) => other.source === item.source && other.subject === item.subject)
    if (earlier && earlier.answer !== item.answer) {
      changes.push({
        kind: 'evidence',
        group: after.name,
        host: item.subject,
        from: earlier.answer,
        to: item.answer,
        rule: null,
        why: `${item.source}: ${item.why}`,
      })
    }
  }
  return [...changes, ...changesOfContradictions(after.name, before?.evidence ?? [], after.evidence)]
}

const general = {group: null, host: null, rule: null} as const

/** Maintenance freezes every actuator, so the change is of kind `actuator`. */
export function changesOfMaintenance(before: Maintenance | null, after: Maintenance | null): readonly Change[] {
  if ((before === null) === (after === null)) return []
  const why = after
    ? `${maintenanceText(after)}; the daemon changes no router`
    : 'maintenance is over; the daemon updates every router'
  return [{...general, kind: 'actuator', from: before ? 'frozen' : 'active', to: after ? 'frozen' : 'active', why}]
}

/** A hold makes writers wait, so the change is of kind `actuator`, and its group is named. */
export function changesOfHold(before: Hold | null, after: Hold | null): readonly Change[] {
  if (before?.id === after?.id) return []
  const about = after ?? before
  if (about === null) return []
  const {group, from, to, by} = about
  const target = to === null ? 'the host that the HA tool chooses' : to
  const why = after
    ? `switchover by ${by} from ${from} to ${target}: writers of ${group} wait`
    : `switchover by ${by} from ${from} to ${target} has ended: routers follow the verdict`
  return [
    {
      kind: 'actuator',
      group,
      host: from,
      from: before ? 'held' : 'active',
      to: after ? 'held' : 'active',
      rule: null,
      why,
    },
  ]
}

function maintenanceText({by, reason, until}: Maintenance): string {
  const end = until === null ? '' : `, until ${new Date(until).toISOString()}`
  return `maintenance by ${by}${reason === null ? '' : `: ${reason}`}${end}`
}

/** `undefined`: the actuator is new, or gone. Neither is a change. */
export function changesOfActuator(
  name: string,
  before: ActuatorState | undefined,
  after: ActuatorState | undefined,
): readonly Change[] {
  const isSame = before?.status === after?.status && before?.problems.join() === after?.problems.join()
  if (before === undefined || after === undefined || isSame) return []
  const why = `${name}: ${after.problems.join('; ') || statusTexts[after.status]}`
  return [{...general, kind: 'actuator', from: before.status, to: after.status, why}]
}

const statusTexts = {
  pending: 'not reached yet',
  'in-sync': 'follows the verdict',
  'out-of-sync': 'does not follow the verdict',
  planned: 'a dry run, the daemon changes nothing',
  frozen: 'maintenance, the daemon changes nothing',
} as const

export const changeOfVerdict = (
  {name, verdict: {kind, rule, situation, primary, routedTo, why}}: GroupState,
  from: string | null,
): Change => ({
  kind: 'verdict',
  group: name,
  host: routedTo ?? primary,
  from,
  to: kind,
  rule,
  situation,
  why,
})
