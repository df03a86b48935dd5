import {contradicts} from '../../core/evidence/contradiction.ts'
import type {Log} from '../../core/ports.ts'
import type {Change, Publication} from '../../core/snapshot.ts'

/**
 * Logs every change of a role or a verdict, with its rule and its reason. Samples are no changes.
 * `isShared`: in a set, where the order behind a change may have come to another instance.
 */
export function logChanges(log: Log, isShared = false): (publication: Publication) => void {
  const asked = new Set<string>()
  return ({changes}) => {
    for (const change of changes) {
      const told = change.kind === 'role' ? withoutGuess(change, asked) : change
      log[isShared && isOrdered(told) ? 'info' : levelOf(told)](fieldsOf(told), sentenceOf(told))
    }
  }
}

/** A host that was never asked is `unavailable` to routers. For a reader it only is not known yet. */
function withoutGuess(change: Change, asked: Set<string>): Change {
  const {host, from} = change
  if (host === null || asked.has(host)) return change
  asked.add(host)
  return from === 'unavailable' ? {...change, from: 'not asked yet'} : change
}

const isOrdered = ({kind, from}: Change): boolean => kind === 'drain' || (kind === 'actuator' && from === 'active')

function levelOf({kind, from, to, situation, stages}: Change): 'debug' | 'info' | 'warn' | 'error' {
  if (kind === 'verdict') {
    if (to === 'starting') return 'info'
    // A primary, and all is not well.
    if (to === 'primary') return situation === 'healthy' ? 'info' : 'warn'
    return to === 'unconfirmed' ? 'warn' : 'error'
  }
  if (kind === 'order') return to === 'refused' ? 'warn' : 'info'
  if (kind === 'role') return to === 'unavailable' ? 'warn' : 'info'
  if (kind === 'evidence') return to === contradicts ? 'warn' : 'debug'
  // Told elsewhere: an order logs the drain and the maintenance, and a loop its steps and problems.
  if (kind === 'drain') return 'debug'
  const isFirst = from === 'pending'
  // A maintenance may end by itself.
  if (kind === 'actuator' && stages === undefined && !isFirst && to !== 'active') return 'debug'
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
