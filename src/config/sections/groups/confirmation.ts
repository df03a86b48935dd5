import {nearest} from '../../../core/words/nearest.ts'
import type {Report} from '../../reading/report.ts'

/** What `confirm` may name (DESIGN 4.3). */
export const confirmations = ['majority', 'followers', 'repmgr', 'pgaf', 'patroni', 'peers'] as const

/** Does `confirm` name a source whose last answer may be held for a while? */
export const canBeHeld = (confirm: readonly string[]): boolean =>
  confirm.some((name) => ['repmgr', 'pgaf', 'patroni', 'peers'].includes(name))

/** It counts the hosts of the group. */
export const countsHosts = (name: string): boolean => !['pgaf', 'patroni', 'peers'].includes(name)

/** Of two primaries it confirms one at most. `majority` counts hosts that answer, and names none. */
export const isExclusive = (name: string): boolean => name !== 'majority'

/** The usable names of a `confirm` list, in its order; the others are reported. */
export function usableConfirmations(names: readonly string[], path: string, report: Report): readonly string[] {
  return names.filter((name, index) => {
    const at = `${path}[${index}]`
    if (!(confirmations as readonly string[]).includes(name)) {
      const near = nearest(name, confirmations)
      const next = near ? `Did you mean "${near}"?` : `Known are ${confirmations.join(' and ')}.`
      if (report.isClean(at))
        report.refuse(at, 'CONFIG_VALUE', `${report.quote(name)}is not the name of a confirmation`, next)
      return false
    }
    if (names.indexOf(name) === index) return true
    report.refuse(at, 'CONFIG_VALUE', `names ${name} a second time`, 'Remove one of the two entries.')
    return false
  })
}
