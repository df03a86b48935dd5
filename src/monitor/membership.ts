import type {GroupSettings, MonitorSettings} from '../core/settings.ts'

/**
 * What is judged as one: a configured group, or a host that no group names. An ungrouped host is
 * watched and shown, and never offered. A unit that a reload keeps is the same object.
 */
export type Unit = Readonly<{kind: 'group'; name: string} | {kind: 'ungrouped'; host: string}>

const noHosts: ReadonlySet<string> = new Set()

/** Which host is in which group, by the settings in force. */
export class Membership {
  #groups: ReadonlyMap<string, GroupSettings> = new Map()
  #units: readonly Unit[] = []
  #unitOfGroup: ReadonlyMap<string, Unit> = new Map()
  #unitsOf: ReadonlyMap<string, readonly Unit[]> = new Map()
  #joining: ReadonlyMap<string, ReadonlySet<string>> = new Map()

  /** The groups in the configured order, then the ungrouped hosts. */
  get units(): readonly Unit[] {
    return this.#units
  }

  group(name: string): GroupSettings | undefined {
    return this.#groups.get(name)
  }

  unitOf(group: string): Unit | undefined {
    return this.#unitOfGroup.get(group)
  }

  unitsOf(host: string): readonly Unit[] {
    return this.#unitsOf.get(host) ?? []
  }

  hostsOf(unit: Unit): readonly string[] {
    return unit.kind === 'ungrouped' ? [unit.host] : (this.#groups.get(unit.name)?.hosts ?? [])
  }

  /**
   * Hosts that the last settings brought to a group whose primary stays: the group is judged
   * without them until each was asked once.
   */
  joining(group: string): ReadonlySet<string> {
    return this.#joining.get(group) ?? noHosts
  }

  /** Takes over new settings. `primaryOf`: the primary of a group until now. */
  configure(
    {hosts, groups}: Pick<MonitorSettings, 'hosts' | 'groups'>,
    primaryOf: (group: string) => string | null,
  ): void {
    this.#joining = new Map(groups.map((group) => [group.name, this.#joiningTo(group, primaryOf(group.name))]))
    const named = new Set(groups.flatMap((group) => group.hosts))
    const ungrouped = hosts.filter(({name}) => !named.has(name))
    this.#groups = new Map(groups.map((group) => [group.name, group]))
    this.#units = [
      ...groups.map(({name}): Unit => ({kind: 'group', name})),
      ...ungrouped.map(({name}): Unit => ({kind: 'ungrouped', host: name})),
    ].map((unit) => this.#units.find((before) => isSame(before, unit)) ?? unit)
    this.#unitOfGroup = new Map(this.#units.flatMap((unit) => (unit.kind === 'group' ? [[unit.name, unit]] : [])))
    this.#unitsOf = new Map(
      hosts.map(({name}) => [name, this.#units.filter((unit) => this.hostsOf(unit).includes(name))]),
    )
  }

  #joiningTo({name, hosts}: GroupSettings, primary: string | null): ReadonlySet<string> {
    const before = this.#groups.get(name)
    if (before === undefined || primary === null || !hosts.includes(primary)) return noHosts
    const still = this.joining(name)
    return new Set(hosts.filter((host) => !before.hosts.includes(host) || still.has(host)))
  }
}

const isSame = (one: Unit, other: Unit): boolean =>
  one.kind === 'group'
    ? other.kind === 'group' && one.name === other.name
    : other.kind === 'ungrouped' && one.host === other.host
