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
  'primary-drained',
  'lossy-promotion',
  'no-primary',
] as const
export type Situation = (typeof situations)[number]

/** For a verdict of a daemon that sends no situation, or one that this version does not know. */
export const usualSituation: Readonly<Record<Rule, Situation>> = {
  V0: 'starting',
  V1: 'two-primaries',
  V2: 'old-primary-returned',
  V3: 'not-confirmed',
  V4: 'healthy',
  V5: 'no-primary',
}
