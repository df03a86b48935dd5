import {nearest} from '../../reading/nearest.ts'
import type {Report} from '../../reading/report.ts'

/** Confirmations that this version knows, and those that the design names beyond (DESIGN 4.3). */
export const confirmations = ['majority', 'followers', 'repmgr', 'patroni'] as const
const laterConfirmations = ['peers']

/** Does `confirm` name a source whose last answer may be held for a while? */
export const canBeHeld = (confirm: readonly string[]): boolean =>
  confirm.some((name) => name === 'repmgr' || name === 'patroni' || laterConfirmations.includes(name))

/** Of two primaries it confirms one at most. `majority` counts hosts that answer, and names none. */
export const isExclusive = (name: string): boolean => name !== 'majority'

/** The usable names of a `confirm` list, in its order; the others are reported. */
export function usableConfirmations(names: readonly string[], path: string, report: Report): readonly string[] {
  return names.filter((name, index) => {
    const at = `${path}[${index}]`
    if (laterConfirmations.includes(name)) {
      report.refuse(
        at,
        'CONFIG_NOT_SUPPORTED',
        `names ${name}, which is not supported by this version`,
        `Use ${confirmations.join(' or ')}.`,
      )
      return false
    }
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
