import type {Memory} from '../core/verdict/group-memory.ts'
import type {Engines} from './engines.ts'
import {dutyOf, type TurnView} from './plan.ts'
import type {Instance, StampedRecord} from './record.ts'
import type {Writer} from './writer.ts'

export type TurnDeps = Readonly<{
  groups: readonly string[]
  engines: Engines
  writer: Writer
  record: (group: string) => StampedRecord | undefined
  heardEpoch: (group: string) => number
  count: (what: 'takeover' | 'handover') => void
  view: TurnView
}>

/**
 * One look at the set: starts and stops engines, and writes what is due. What is given goes first: another
 * instance waits for it. Rejects where the registry does not answer; the next turn begins anew.
 */
export async function takeTurn(deps: TurnDeps): Promise<void> {
  const {engines, writer, count} = deps
  const {claims, asks, gifts} = sortedOut(deps)
  await writer.give(
    gifts,
    (group) => engines.engine(group)?.memory ?? null,
    (group) => {
      count('handover')
      engines.yield(group)
    },
  )
  await writer.claim(
    claims,
    (group) => ({memory: ownMemory(group, deps), leastEpoch: engines.epoch(group)}),
    (group, record, isOurs) => {
      count('takeover')
      engines.own(group, epochIn(record), record, isOurs)
    },
  )
  await writer.ask(asks)
}

type Work = Readonly<{
  claims: readonly string[]
  asks: readonly string[]
  gifts: readonly (readonly [group: string, to: Instance])[]
}>

function sortedOut({groups, engines, record, heardEpoch, view}: TurnDeps): Work {
  const claims: string[] = []
  const asks: string[] = []
  const gifts: (readonly [string, Instance])[] = []
  for (const group of groups) {
    const seen = record(group)
    // The registry has lost that we own it: it was restored from a backup, or its keys were deleted.
    if (engines.isOwned(group) && seen?.value !== 'unreadable' && epochIn(seen) < engines.epoch(group)) {
      claims.push(group)
      continue
    }
    const duty = dutyOf({group, record: seen?.value ?? null, isReady: engines.isReady(group)}, view)
    if (duty.kind !== 'none') engines.start(group, seen)
    else if (!engines.isOwned(group)) engines.stop(group)
    if (duty.kind === 'claim') claims.push(group)
    if (duty.kind === 'ask') asks.push(group)
    if (duty.kind === 'give') gifts.push([group, duty.to])
    // Unless another instance answers as a later owner than the one of the registry.
    if (duty.kind === 'own' && seen && heardEpoch(group) <= epochIn(seen)) engines.own(group, epochIn(seen), seen)
  }
  return {claims, asks, gifts}
}

/**
 * Our own memory is the newer one where our engine has heard what is published, and where the registry has
 * lost what we published. `null`: what is published counts.
 */
function ownMemory(group: string, {engines, record}: TurnDeps): Memory | null {
  const seen = record(group)
  const epoch = engines.epoch(group)
  const isNewer = engines.hasHeard(group, seen) || (epoch > 0 && epoch >= epochIn(seen))
  return isNewer ? (engines.engine(group)?.memory ?? null) : null
}

const epochIn = (record: StampedRecord | undefined): number =>
  record === undefined || record.value === 'unreadable' ? 0 : record.value.epoch
