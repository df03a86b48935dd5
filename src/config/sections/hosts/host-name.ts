import type {Report} from '../../reading/report.ts'
import {below} from '../../reading/section.ts'

/** The form of a name. A value of this form may be quoted where a name is expected. */
export const nameForm = /^[A-Za-z0-9_.-]{1,63}$/

/** Words in paths of the API. */
const reserved = {host: ['node', 'hosts', 'groups', 'all'], group: ['all']} as const
const onlyDots = /^\.+$/

/** Also properties that every JavaScript object has. */
const isTaken = (kind: 'host' | 'group', name: string) =>
  (reserved[kind] as readonly string[]).includes(name) || onlyDots.test(name) || name in Object.prototype

/** What `acceptName` takes, for editors. */
export const namesOf = (kind: 'host' | 'group') => ({
  pattern: nameForm.source,
  not: {
    anyOf: [{enum: [...reserved[kind], ...Object.getOwnPropertyNames(Object.prototype)]}, {pattern: onlyDots.source}],
  },
})

export const isHostName = (name: string): boolean => nameForm.test(name) && !isTaken('host', name)

/**
 * Reports a name that cannot be used for a host or a group. A name with other characters is not
 * shown: it may be a misplaced secret.
 */
export function acceptName(kind: 'host' | 'group', name: string, path: string, report: Report): boolean {
  if (!nameForm.test(name)) {
    const next = 'Use 1 to 63 letters, digits, "_", "." and "-".'
    report.refuse(
      path,
      'CONFIG_NAME',
      `has a name that a ${kind} cannot have (not shown, because it may be part of a password)`,
      next,
    )
    return false
  }
  if (isTaken(kind, name))
    report.refuse(
      below(path, name),
      'CONFIG_NAME',
      `cannot be the name of a ${kind}: the word is taken`,
      'Choose another name.',
    )
  return !isTaken(kind, name)
}
