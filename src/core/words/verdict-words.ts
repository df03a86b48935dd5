import type {Verdict} from '../snapshot.ts'
import type {VerdictKind} from '../vocabulary.ts'

const words: Readonly<Record<VerdictKind, string>> = {
  primary: 'PRIMARY',
  'no-primary': 'NO PRIMARY',
  'split-brain': 'SPLIT BRAIN',
  unconfirmed: 'UNCONFIRMED',
  starting: 'STARTING',
}
const severity: readonly VerdictKind[] = ['split-brain', 'no-primary', 'unconfirmed', 'starting', 'primary']

/** For `sort`: the worst verdict first. */
export const bySeverity = (a: Verdict, b: Verdict): number =>
  Number(isCalm(a)) - Number(isCalm(b)) || severity.indexOf(a.kind) - severity.indexOf(b.kind)

/** A primary without routed writes (a drained one) needs as much attention as no primary. */
export const isCalm = ({kind, routedTo}: Pick<Verdict, 'kind' | 'routedTo'>): boolean =>
  kind === 'primary' && routedTo !== null

/** The verdict in a few words: `PRIMARY host1`, `SPLIT BRAIN host1, host2, routed to NONE`. */
export function verdictWords({kind, primaries, routedTo}: Verdict): string {
  if (kind === 'starting') return words.starting
  const who = primaries.length === 0 ? '' : ` ${primaries.join(', ')}`
  const where = isCalm({kind, routedTo}) ? '' : `, routed to ${routedTo ?? 'NONE'}`
  return words[kind] + who + where
}
