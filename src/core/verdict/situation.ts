import type {Rule} from '../vocabulary.ts'

/**
 * What every ruling is called where people read it: in the snapshot, the log, alerts, and as the
 * headings of the runbook.
 */
export const situations = [
  'starting',
  'two-primaries',
  'two-primaries-one-unseen',
  'overruled-primary',
  'old-primary-returned',
  'second-writer-of-a-timeline',
  'primary-lost-wal',
  'cluster-unknown',
  'asking-again',
  'not-confirmed',
  'healthy',
  'unreachable-but-followed',
  'primary-drained',
  'lossy-promotion',
  'no-primary',
] as const
export type Situation = (typeof situations)[number]

type Ruling = Readonly<{kind: string; situation: Situation}>

/** What people read beside the verdict; `null`: the verdict says it already. */
export const toldSituation = ({kind, situation}: Ruling): Situation | null =>
  situation === 'healthy' || situation === kind ? null : situation

/** The rule, and the situation where it tells more: `V2 old-primary-returned`. */
export function rulingText({rule, ...ruling}: Ruling & Readonly<{rule: Rule}>): string {
  const situation = toldSituation(ruling)
  return situation === null ? rule : `${rule} ${situation}`
}

/** For a verdict of a daemon that sends no situation, or one that this version does not know. */
export const usualSituation: Readonly<Record<Rule, Situation>> = {
  V0: 'starting',
  V1: 'two-primaries',
  V2: 'old-primary-returned',
  V3: 'not-confirmed',
  V4: 'healthy',
  V5: 'no-primary',
}
