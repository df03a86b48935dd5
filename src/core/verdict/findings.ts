import type {HeldConfirmations} from '../evidence/confirmation.ts'
import {type CollectedEvidence, collect, collectUnled, type Selection} from '../evidence/evidence.ts'
import type {Sources} from '../evidence/evidence-source.ts'
import type {GroupView, Member} from '../facts/group-view.ts'
import type {GroupSettings} from '../settings.ts'
import type {Decision} from '../snapshot.ts'
import type {GroupMemory} from './group-memory.ts'
import type {Notes} from './memory.ts'
import type {Situation} from './situation.ts'

export type GroupCase = Readonly<{
  view: GroupView
  settings: GroupSettings
  memory: GroupMemory
  notes: Notes
  /** What was decided before; `null`: nothing yet. */
  before: Decision | null
  held: HeldConfirmations
  /** Every source of evidence there is, required or not. */
  sources: Sources
  /** Names of the sources that are shown even where they are not required. */
  shown: readonly string[]
  followersMaxAgeMs: number
}>

/** The case, and what every rule looks at. `memory`: with this view taken in. */
export type Findings = GroupCase & Readonly<{primaries: readonly Member[]; blind: readonly string[]}>

/** What is left out is empty. */
export type Outcome = Readonly<{
  decision: Decision
  situation: Situation
  evidence?: readonly CollectedEvidence[]
  held?: HeldConfirmations
  /** Monotonic: until when the decision stands where no host says anything new. */
  until?: number
}>

export const none = {primary: null, routedTo: null} as const

/** What the required sources say of `host`, and those that are shown anyway. */
export const evidenceOf = (host: Member, findings: Findings): readonly CollectedEvidence[] =>
  collect(host, findings.view, findings.sources, selectionOf(findings))

/**
 * The same of each rival. A source that denies one of them may name another: what it says then is
 * about the one that it was asked about, or it would seem to deny the one that it names.
 */
export const ofEachRival = (rivals: readonly Member[], findings: Findings): readonly CollectedEvidence[] =>
  rivals.flatMap((rival) =>
    evidenceOf(rival, findings).map((item) => {
      const isOther = item.answer !== 'confirms' && rivals.some(({host}) => host === item.subject)
      return isOther ? {...item, subject: rival.host} : item
    }),
  )

/** Whom the same sources name while no host is primary. */
export const evidenceUnled = (findings: Findings): readonly CollectedEvidence[] =>
  collectUnled(findings.view, findings.sources, selectionOf(findings))

function selectionOf({settings: {confirm}, shown}: Findings): Selection {
  return {asked: [...confirm, ...shown.filter((source) => !confirm.includes(source))], required: confirm}
}
