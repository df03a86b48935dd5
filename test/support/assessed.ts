import {ownSources} from '../../src/core/evidence/evidence.ts'
import {type Sources, sourcesByName} from '../../src/core/evidence/evidence-source.ts'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {GroupSettings} from '../../src/core/settings.ts'
import type {HostState, Snapshot} from '../../src/core/snapshot.ts'
import {assessGroup, assessHost, type GroupAssessment} from '../../src/core/verdict/assessment.ts'
import {blankMemory, type GroupMemory} from '../../src/core/verdict/group-memory.ts'
import {noNotes} from '../../src/core/verdict/memory.ts'
import {MAX_AGE, NOW} from './records.ts'
import {groupSettings} from './settings.ts'

export type Assessing = Readonly<{
  settings?: Partial<GroupSettings>
  name?: string
  memory?: Partial<GroupMemory>
  past?: GroupAssessment
  sources?: Sources
  now?: number
  wall?: number
}>

/** One group, assessed as the monitor would. */
export function assessed(
  hosts: readonly HostRecord[],
  {settings = {}, name = 'all', memory = {}, past, sources = {}, now = NOW, wall = 0}: Assessing = {},
) {
  const group = groupSettings(
    name,
    hosts.map((host) => host.settings.name),
    settings,
  )
  const before = {
    state: past?.state,
    memory: past?.memory ?? {...blankMemory, ...memory},
    notes: past?.notes ?? noNotes,
    held: past?.held ?? {},
  }
  const limits = {maxAgeMs: MAX_AGE, followersMaxAgeMs: 5_000}
  const all = {...sourcesByName(ownSources(5_000)), ...sources}
  return assessGroup({group, records: hosts, past: before, sources: all, limits, now, wall})
}

/** A snapshot of these groups, of which every host is described through all of its groups. */
export function snapshotOf(...groups: readonly GroupAssessment[]): Snapshot {
  const names = [...new Set(groups.flatMap(({view}) => view.members.map(({host}) => host)))]
  const states = names.map((host) => {
    const through = groups.filter(({view}) => view.members.some((member) => member.host === host))
    return [
      host,
      assessHost({host, through, before: undefined, availabilityOn: false, wall: 0})?.state as HostState,
    ] as const
  })
  return {
    epoch: 'e',
    sequence: 1,
    at: 0,
    ready: true,
    version: 'test',
    maxAgeMs: MAX_AGE,
    groups: Object.fromEntries(groups.map(({state}) => [state.name, state])),
    hosts: Object.fromEntries(states),
    actuators: {},
    maintenance: null,
  }
}
