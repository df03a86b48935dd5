import {ranked} from './ownership.ts'
import {type Claimant, type GroupRecord, type Instance, isSameClaimant} from './record.ts'

/** What one instance knows when it decides. */
export type TurnView = Readonly<{
  us: Claimant & Readonly<{configHash: string}>
  /** All that are alive, us included once we have joined. */
  instances: readonly Instance[]
  adopted: string | null
  /** The second-best instance probes too. */
  hasStandby: boolean
}>

/**
 * What an instance does for one group. `own`: it is the owner. `claim`: the group has no living owner,
 * and goes to us. `give`: the owner is us, and another instance is ready and asks. `ask`: we are ready,
 * and shall have the group. `warm`: we probe, so as to be ready. `none`: another instance's.
 */
export type Duty = Readonly<{kind: 'own' | 'claim' | 'ask' | 'warm' | 'none'} | {kind: 'give'; to: Instance}>

export type DutyQuestion = Readonly<{
  group: string
  /** `null`: no instance ever owned it. */
  record: GroupRecord | 'unreadable' | null
  /** Our own probes of this group have completed a round. */
  isReady: boolean
}>

/** Decided from the registry alone: a claim whose answer was lost is found there. */
export function dutyOf({group, record, isReady}: DutyQuestion, view: TurnView): Duty {
  const {us, instances} = view
  if (record === 'unreadable' || !instances.some((one) => isSameClaimant(one, us))) return none
  const owner = record && instances.find((one) => isSameClaimant(one, record.owner))
  if (record && owner && isSameClaimant(owner, us)) return duties(record, view)
  const candidates = ranked(group, candidatesOf(view))
  const [first] = candidates
  const isFirst = first !== undefined && isSameClaimant(first, us)
  if (!owner) {
    if (!mayTake(record, view)) return none
    return isFirst ? {kind: 'claim'} : standby(candidates[1], view)
  }
  if (!mayAsk(owner, view)) return none
  if (isFirst) {
    const hasAsked = record !== null && record.next !== null && isSameClaimant(record.next, us)
    return {kind: isReady && !hasAsked ? 'ask' : 'warm'}
  }
  return standby(
    candidates.find((one) => !isSameClaimant(one, owner)),
    view,
  )
}

const none: Duty = {kind: 'none'}

/** Of an owner: it keeps the group, or gives it to the instance that is ready to go on. */
function duties({next}: GroupRecord, {us, instances, adopted}: TurnView): Duty {
  const to = next && instances.find((one) => isSameClaimant(one, next))
  const isWelcome = to && !to.isLeaving && (to.configHash === us.configHash || to.configHash === adopted)
  return isWelcome ? {kind: 'give', to} : {kind: 'own'}
}

const standby = (second: Instance | undefined, {us, hasStandby}: TurnView): Duty =>
  hasStandby && second !== undefined && isSameClaimant(second, us) ? {kind: 'warm'} : none

const candidatesOf = ({us, instances}: TurnView): readonly Instance[] =>
  instances.filter(({configHash, isLeaving}) => configHash === us.configHash && !isLeaving)

/** An operator chose a configuration, and an instance with it is alive. */
const isOvershadowed = ({us, instances, adopted}: TurnView): boolean =>
  adopted !== null && adopted !== us.configHash && instances.some(({configHash}) => configHash === adopted)

/**
 * A group whose owner is gone stays with the configuration that it had, for as long as an instance with
 * that configuration is alive, or until an operator chooses another one.
 */
function mayTake(record: GroupRecord | null, view: TurnView): boolean {
  const {us, instances, adopted} = view
  if (isOvershadowed(view)) return false
  if (record === null || record.configHash === us.configHash || adopted === us.configHash) return true
  return !instances.some(({configHash}) => configHash === record.configHash)
}

/** From a living owner: with the same configuration, or where an operator chose ours. */
const mayAsk = ({configHash}: Instance, view: TurnView): boolean =>
  !isOvershadowed(view) && (configHash === view.us.configHash || view.adopted === view.us.configHash)

/** In pieces of at most `size`. */
export const portionsOf = <T>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({length: Math.ceil(items.length / size)}, (_, index) => items.slice(index * size, (index + 1) * size))
