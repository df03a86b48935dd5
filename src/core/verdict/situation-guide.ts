import type {Rule} from '../vocabulary.ts'
import type {Situation} from './situation.ts'

/** What a situation means to an operator. Sentences in Markdown; a command stands in backticks. */
export type SituationText = Readonly<{
  /** The rules that decide so. */
  rules: readonly [Rule, ...Rule[]]
  meaning: string
  /** What to do next, in short: the runbook has a section with the name of the situation. */
  next: string
}>

/** Every situation, as the runbook and the manual print it: the generator alone loads this file. */
export const situationGuide: Readonly<Record<Situation, SituationText>> = {
  starting: {
    rules: ['V0'],
    meaning: 'A host has neither answered nor failed yet.',
    next: 'Wait for the first round.',
  },
  'two-primaries': {
    rules: ['V1'],
    meaning: 'Two hosts answer as primary, and both accept writes.',
    next: 'Stop the wrong one. If the situation is `old-primary-returned` then, run `pgroute66 accept HOST`.',
  },
  'two-primaries-one-unseen': {
    rules: ['V1'],
    meaning: 'Two hosts were primary at the same time. One of them is out of sight, and may still accept writes.',
    next: 'Make sure that it is off, then run `pgroute66 accept HOST`.',
  },
  'overruled-primary': {
    rules: ['V2'],
    meaning: 'An operator accepted another host instead of this primary.',
    next: 'Rebuild it as a standby of the accepted host.',
  },
  'old-primary-returned': {
    rules: ['V2'],
    meaning: 'A higher timeline is in sight, or was seen before: the primary in sight is not the newest.',
    next: 'Stop it and start the newest one, or run `pgroute66 accept HOST` for the one in sight.',
  },
  'second-writer-of-a-timeline': {
    rules: ['V2'],
    meaning: 'Two hosts wrote on the same timeline number, and each has commits of its own.',
    next: 'Decide whose writes count, then run `pgroute66 accept HOST`.',
  },
  'primary-lost-wal': {
    rules: ['V2'],
    meaning: 'The primary had WAL, or a standby has WAL, that the primary lacks now.',
    next: 'Promote the standby that has it, or run `pgroute66 accept HOST`.',
  },
  'cluster-unknown': {
    rules: ['V3'],
    meaning: 'Hosts belong to different clusters, and no cluster has a majority.',
    next: 'Correct the addresses, or run `pgroute66 accept HOST`.',
  },
  'asking-again': {
    rules: ['V3'],
    meaning: 'Hosts are asked once more before the daemon decides.',
    next: 'Wait: it takes one question.',
  },
  'not-confirmed': {
    rules: ['V3'],
    meaning: 'A source in `confirm` denies the primary, or is silent.',
    next: 'Do what the reason asks for.',
  },
  healthy: {
    rules: ['V4'],
    meaning: 'One host is primary, and writes go to it.',
    next: 'There is nothing to do.',
  },
  'unreachable-but-followed': {
    rules: ['V4'],
    meaning:
      'The daemon cannot reach the primary, and most hosts go on receiving from it. ' +
      'Writes go to it, for up to `sustain`.',
    next: 'Repair the way to the host. Promote no other host while it lives.',
  },
  'primary-drained': {
    rules: ['V4'],
    meaning: 'The primary is healthy, but an operator drained it: no client can write.',
    next: 'Run `pgroute66 resume HOST`.',
  },
  'lossy-promotion': {
    rules: ['V4', 'V3'],
    meaning: 'A standby holds writes that the promoted primary lacks. With `on_lossy_promotion: refuse`, writers wait.',
    next: 'Save the writes before the standby is rewound or rebuilt.',
  },
  'no-primary': {
    rules: ['V5'],
    meaning: 'No host answers as primary.',
    next: 'Start the primary, or promote a standby.',
  },
}
