import {contradicts} from '../../core/evidence/contradiction.ts'
import type {Log} from '../../core/ports.ts'
import type {Change, Publication} from '../../core/snapshot.ts'

/** Logs every change of a role or a verdict, with its rule and its reason. Samples are no changes. */
export const logChanges =
  (log: Log) =>
  ({changes}: Publication): void => {
    for (const change of changes) log[levelOf(change)](fieldsOf(change), sentenceOf(change))
  }

function levelOf({kind, to, situation}: Change): 'debug' | 'info' | 'warn' | 'error' {
  if (kind === 'verdict') {
    if (to === 'starting') return 'info'
    // A primary, and all is not well.
    if (to === 'primary') return situation === 'healthy' ? 'info' : 'warn'
    return to === 'unconfirmed' ? 'warn' : 'error'
  }
  if (kind === 'order') return to === 'refused' ? 'warn' : 'info'
  if (kind === 'role') return to === 'unavailable' ? 'warn' : 'info'
  if (kind === 'evidence') return to === contradicts ? 'warn' : 'debug'
  return 'info'
}

const fieldsOf = ({kind, group, host, from, to, rule, situation}: Change): object =>
  Object.fromEntries(
    Object.entries({kind, group, host, from, to, rule, situation}).filter(
      ([, value]) => value !== null && value !== undefined,
    ),
  )

function sentenceOf({kind, group, host, from, to, why}: Change): string {
  // The sentence names the actuator already.
  if (kind === 'actuator') return why
  if (kind === 'order') return `order ${to}: ${why}`
  const subject = kind === 'verdict' ? `verdict of ${group}` : (host ?? group ?? 'all')
  return to === null ? `${subject}: ${why}` : `${subject}: ${from ?? 'new'} → ${to}: ${why}`
}
