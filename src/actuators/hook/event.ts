import type {HookSettings} from '../../core/actuator-settings.ts'
import type {Change, Publication} from '../../core/snapshot.ts'
import {groupToWire, type Moment, timeOf, type WireGroup} from '../../protocol/snapshot-json.ts'

/** A change of a verdict, and the group at that moment. `at`: wall clock, milliseconds. */
export type HookEvent = Readonly<{
  epoch: string
  sequence: number
  at: number
  change: Change & Readonly<{kind: 'verdict'; group: string}>
  group: WireGroup
}>

/** One event per verdict that changed. */
export const hookEvents = ({changes, snapshot}: Publication, at: Moment): readonly HookEvent[] =>
  changes.flatMap(({kind, group: name, ...rest}) => {
    const group = name !== null && Object.hasOwn(snapshot.groups, name) ? snapshot.groups[name] : undefined
    if (kind !== 'verdict' || name === null || group === undefined) return []
    const {epoch, sequence} = snapshot
    return [{epoch, sequence, at: at.wall, change: {...rest, kind, group: name}, group: groupToWire(group, at)}]
  })

/**
 * As `id:` of /v1/events. Groups that changed at the same moment share an id: id and group together
 * identify an event, even one delivered twice.
 */
export const hookId = ({epoch, sequence}: HookEvent): string => `${epoch}-${sequence}`

export const isWanted = ({on, groups}: Pick<HookSettings, 'on' | 'groups'>, {change, group}: HookEvent): boolean =>
  (on === null || on.includes(group.verdict.kind)) && (groups === null || groups.includes(change.group))

/** The stdin of a command, and the body of a webhook. */
export const hookDocument = (event: HookEvent): string =>
  JSON.stringify({schema: 1, id: hookId(event), at: timeOf(event.at), change: event.change, group: event.group})

/**
 * The kernel refuses a variable of more than 128 KiB. The JSON holds the full text, even a sentence
 * that names a thousand hosts.
 */
const longestVariable = 4_096

export function hookVariables(event: HookEvent): Readonly<Record<string, string>> {
  const {change, group} = event
  const variables = {
    PGROUTE66_ID: hookId(event),
    PGROUTE66_AT: timeOf(event.at),
    PGROUTE66_GROUP: change.group,
    PGROUTE66_FROM: change.from ?? '',
    PGROUTE66_VERDICT: group.verdict.kind,
    PGROUTE66_RULE: group.verdict.rule,
    PGROUTE66_SITUATION: group.verdict.situation ?? '',
    PGROUTE66_PRIMARY: group.verdict.routed_to ?? '',
    PGROUTE66_WHY: group.verdict.why,
  }
  // A variable cannot hold a NUL, and a line break breaks many scripts.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  const plain = (text: string) => text.replace(/[\u0000-\u001f\u007f]/g, ' ').slice(0, longestVariable)
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, plain(value)]))
}
