import {nearest} from '../../../core/words/nearest.ts'
import type {Report} from '../../reading/report.ts'
import {below} from '../../reading/section.ts'
import {nameForm} from '../hosts/host-name.ts'

type Named = ReadonlyMap<string, unknown> | null
export type GroupNames = Readonly<{groups: Named; host_groups: Named}>

/** Without groups in the file there is one, "all", a name that no file may use. */
export const impliedGroup = 'all'

export const groupNames = ({groups, host_groups}: GroupNames): readonly string[] => [
  ...((groups ?? host_groups)?.keys() ?? [impliedGroup]),
]

/** Reports a name that is not a group. */
export function knownGroup(name: string, path: string, names: readonly string[], report: Report): void {
  if (names.includes(name)) return
  const near = nearest(name, names)
  report.refuse(
    path,
    'CONFIG_UNKNOWN_GROUP',
    `${report.quote(name, nameForm)}is not a group`,
    near ? `Did you mean "${near}"?` : `Write one of ${names.join(', ')}.`,
  )
}

/** As `knownGroup`, for a key that may be left out while there is one group. */
export function groupNamed(name: string | null, path: string, names: readonly string[], report: Report): void {
  // With several groups, "primary" alone does not say of which group.
  if (name === null && names.length > 1) {
    report.refuse(
      below(path, 'group'),
      'CONFIG_MISSING',
      'is missing, and there are several groups',
      `Write one of ${names.join(', ')}.`,
    )
  }
  if (name !== null) knownGroup(name, below(path, 'group'), names, report)
}
