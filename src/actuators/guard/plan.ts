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
 * the guard ends, or an operator denies. G10 the gate of another host may still be open.
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
  /** How many passes in a row came to the gates of the last decision, each on newer answers. */
  passes: number
  /** The gates of the latest pass, before the wait for a second one. */
  last: Gates
  /** When the answers behind the latest pass end (monotonic). */
  lastUntil: number | null
  /** Since when every pass lets writers in (monotonic); `null`: the latest one does not. */
  agreedSince: number | null
  /** When the latest pass began (monotonic). */
  passedAt: number
}>

export const beginning = (why: string): Held => ({
  decision: {gates: shut, rule: 'G6', why, until: null},
  passes: 0,
  last: shut,
  lastUntil: null,
  agreedSince: null,
  passedAt: Number.NEGATIVE_INFINITY,
})

/** What the other guards say of their gates. `shutAt`: each was asked at or after this time, and its gate is shut. */
export type Others = Readonly<{shutAt: number | null; why: string}>

export type PassTime = Readonly<{now: number; leaseMs: number; others: Others}> &
  /** How old an answer may be that a pass counts. */
  Readonly<{answersCountMs: number}> &
  /** A pass that begins later than this after the one before: what happened in between is not known. */
  Readonly<{mostBetweenMs: number}>

/** An allow counts when two passes in a row come to it; a deny counts at once. */
const passesToOpen = 2

/**
 * The next decision: what is denied is denied now, and what is allowed anew waits for a second pass. Writers wait
 * for the gates of the other hosts, too: an allow of before, which a frozen guard may still hold, ends within a lease.
 */
export function next(held: Held, decision: Decision, time: PassTime): Held {
  const {decision: before, last} = held
  const {now} = time
  const isSame = last.readWrite === decision.gates.readWrite && last.readOnly === decision.gates.readOnly
  // A change of the file begins a pass at once: the same answers are no second agreement.
  const isNewer = decision.until === null || held.lastUntil === null || decision.until > held.lastUntil
  const passes = isSame ? held.passes + (isNewer ? 1 : 0) : 1
  const isUnbroken = held.agreedSince !== null && now - held.passedAt <= time.mostBetweenMs
  const agreedSince = decision.gates.readWrite === 'deny' ? null : isUnbroken ? held.agreedSince : now
  const isOpen = (gate: keyof Gates) => before.gates[gate] === 'allow' && before.until !== null && now < before.until
  const opens = (gate: keyof Gates) => decision.gates[gate] === 'allow' && !isOpen(gate)
  const waits = (gate: keyof Gates) => opens(gate) && passes < passesToOpen
  const isRivalled = opens('readWrite') && mayRivalBeOpen(agreedSince ?? now, time)
  const gates: Gates = {
    readWrite: waits('readWrite') || isRivalled ? 'deny' : decision.gates.readWrite,
    readOnly: waits('readOnly') ? 'deny' : decision.gates.readOnly,
  }
  const until = gates.readWrite === 'allow' || gates.readOnly === 'allow' ? decision.until : null
  const isWaiting = waits('readWrite') || waits('readOnly')
  const waiting: Pick<Decision, 'rule' | 'why'> = isWaiting
    ? {rule: 'G7', why: `a second pass must agree: ${decision.why}`}
    : {rule: 'G10', why: `another gate may still be open: ${time.others.why}`}
  return {
    decision: isWaiting || isRivalled ? {gates, ...waiting, until} : decision,
    passes,
    last: decision.gates,
    lastUntil: decision.until,
    agreedSince,
    passedAt: now,
  }
}

/**
 * A majority names one host at a time, so another host was allowed to open before the agreement on this one. That has
 * ended a lease later; the answers behind the last pass may be old, so their age is added. It has ended earlier where
 * its guard was asked after the agreement, and says that its gate is shut. A guard that is about to open does not say
 * so: of two guards that are both about to open and ask each other, the one that asks last sees it and waits.
 */
const mayRivalBeOpen = (agreedSince: number, {now, leaseMs, answersCountMs, others}: PassTime): boolean =>
  now < agreedSince + leaseMs + answersCountMs && (others.shutAt === null || others.shutAt < agreedSince)

/** A pass that did not end in time, or a lease that ran out: nothing is allowed any longer. */
export const denied = (rule: GuardRule, why: string): Decision => ({gates: shut, rule, why, until: null})
