import {type Gates, shut} from '../../core/node/guard-settings.ts'

/** What the guard knows of its group at one moment, by SQL alone. */
export type Standing = Readonly<{
  /** What this host's own PostgreSQL says of itself; `silent`: it gave no fresh answer. */
  own: 'primary' | 'standby' | 'silent'
  /** Hosts that answer as primary now. */
  primaries: readonly string[]
  /**
   * The primary that a majority names, and when the oldest question behind that was sent
   * (monotonic). `null`: the majority names none.
   */
  agreed: Readonly<{primary: string; askedAt: number}> | null
  /** In words: who names whom. */
  why: string
}>

/**
 * G1 agreed, the primary. G2 agreed, a standby. G3 its own PostgreSQL is silent. G4 two primaries. G5 not agreed.
 * G6 the pass or the lease ended too late. G7 a second pass must agree. G8 another program changes the block. G9
 * the guard ends, or an operator denies. G10 `quorum: any` leaves the gates as they are.
 */
export const guardRules = ['G1', 'G2', 'G3', 'G4', 'G5', 'G6', 'G7', 'G8', 'G9', 'G10'] as const
export type GuardRule = (typeof guardRules)[number]

/** `until`: monotonic, when what is allowed ends by itself; `null`: nothing is allowed. */
export type Decision = Readonly<{gates: Gates; rule: GuardRule; why: string; until: number | null}>

export type DecisionQuestion = Readonly<{
  standing: Standing
  /** The name of this host. */
  host: string
  allowReadOnly: boolean
  now: number
  leaseMs: number
}>

/** The decision table (NODESIDE 4). Whatever is not agreed denies. */
export function decide({standing, host, allowReadOnly, now, leaseMs}: DecisionQuestion): Decision {
  const {own, primaries, agreed, why} = standing
  const deny = (rule: GuardRule, text: string): Decision => ({gates: shut, rule, why: text, until: null})
  if (primaries.length > 1) return deny('G4', `${primaries.join(' and ')} answer as primary`)
  if (own === 'silent') return deny('G3', `PostgreSQL of ${host} gives no fresh answer`)
  if (agreed === null) return deny('G5', why)
  const until = agreed.askedAt + leaseMs
  if (until <= now) return deny('G6', `the lease ended: ${why}`)
  const isPrimary = agreed.primary === host
  // A majority that names this host, and its own word, are two facts: each is needed.
  if (isPrimary !== (own === 'primary'))
    return deny('G5', `the majority names ${agreed.primary}, and ${host} says that it is a ${own}`)
  if (isPrimary) return {gates: {readWrite: 'allow', readOnly: 'allow'}, rule: 'G1', why, until}
  const readOnly = allowReadOnly ? 'allow' : 'deny'
  return {gates: {readWrite: 'deny', readOnly}, rule: 'G2', why, until: allowReadOnly ? until : null}
}

/** What the guard holds from one pass to the next. */
export type Held = Readonly<{
  /** What the file should say. */
  decision: Decision
  /** How many passes in a row came to the gates of the last decision. */
  passes: number
  /** The gates of the latest pass, before the wait for a second one. */
  last: Gates
}>

export const beginning = (why: string): Held => ({
  decision: {gates: shut, rule: 'G6', why, until: null},
  passes: 0,
  last: shut,
})

/** An allow counts when two passes in a row come to it; a deny counts at once. */
const passesToOpen = 2

/** The next decision: what is denied is denied now, and what is allowed anew waits for a second pass. */
export function next({decision: before, passes, last}: Held, decision: Decision): Held {
  const isSame = last.readWrite === decision.gates.readWrite && last.readOnly === decision.gates.readOnly
  const counted = isSame ? passes + 1 : 1
  const wait = (gate: keyof Gates) =>
    decision.gates[gate] === 'allow' && before.gates[gate] === 'deny' && counted < passesToOpen
  const gates: Gates = {
    readWrite: wait('readWrite') ? 'deny' : decision.gates.readWrite,
    readOnly: wait('readOnly') ? 'deny' : decision.gates.readOnly,
  }
  const isWaiting = wait('readWrite') || wait('readOnly')
  const isOpen = gates.readWrite === 'allow' || gates.readOnly === 'allow'
  return {
    last: decision.gates,
    passes: counted,
    decision: isWaiting
      ? {gates, rule: 'G7', why: `a second pass must agree: ${decision.why}`, until: isOpen ? decision.until : null}
      : decision,
  }
}

/** A pass that did not end in time, or a lease that ran out: nothing is allowed any longer. */
export const denied = (rule: GuardRule, why: string): Decision => ({gates: shut, rule, why, until: null})
