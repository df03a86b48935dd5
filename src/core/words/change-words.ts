import type {Change} from '../snapshot.ts'
import {rulingText} from '../verdict/situation.ts'

/** The subject of a change: a host, the verdict of a group, or a source of evidence. */
export function subjectWords({kind, group, host}: Change): string {
  if (kind === 'role' || kind === 'drain') return host ?? '?'
  return [group, kind === 'verdict' ? null : kind, kind === 'verdict' ? null : host].filter(Boolean).join(' ') || kind
}

/** `primary → split-brain (V1 two-primaries)`. A verdict that stays within one kind shows its new host. */
export function transitionWords({from, to, rule, situation, host, kind}: Change, arrow: string): string {
  const named = kind === 'verdict' && host !== null ? ` ${host}` : ''
  const ruling =
    rule === null || to === null || situation === undefined ? rule : rulingText({rule, situation, kind: to})
  const reached = `${to ?? '?'}${named}${ruling === null ? '' : ` (${ruling})`}`
  return from === null || from === to ? reached : `${from} ${arrow} ${reached}`
}
