import type {GroupSettings, MonitorSettings} from '../core/settings.ts'

const nobody: ReadonlySet<string> = new Set()

/**
 * Who is in which group, by the settings in force. A host that no group names has one of its own,
 * whose key begins with NUL.
 */
export class Membership {
  #groups: ReadonlyMap<string, GroupSettings> = new Map()
  #groupsOf: ReadonlyMap<string, readonly string[]> = new Map()
  #joining: ReadonlyMap<string, ReadonlySet<string>> = new Map()

  get keys(): readonly string[] {
    return [...this.#groups.keys()]
  }

  group(key: string): GroupSettings | undefined {
    return this.#groups.get(key)
  }

  /** Keys of the groups of `host`. */
  groupsOf(host: string): readonly string[] {
    return this.#groupsOf.get(host) ?? []
  }

  /**
   * Hosts that the last settings brought to a group whose primary stays: it goes on while they are
   * asked for the first time.
   */
  joining(key: string): ReadonlySet<string> {
    return this.#joining.get(key) ?? nobody
  }

  /** Takes over new settings. `primaryOf`: who is primary of a group until now. */
  configure(
    {hosts, groups}: Pick<MonitorSettings, 'hosts' | 'groups'>,
    primaryOf: (group: string) => string | null,
  ): void {
    this.#joining = new Map(groups.map((group) => [group.name, this.#joiningTo(group, primaryOf(group.name))]))
    const named = new Set(groups.flatMap((group) => group.hosts))
    const strays = hosts
      .filter(({name}) => !named.has(name))
      .map(({name}) => [`\0${name}`, unnamedGroup(name)] as const)
    this.#groups = new Map([...groups.map((group) => [group.name, group] as const), ...strays])
    this.#groupsOf = new Map(
      hosts.map(({name}) => [name, this.keys.filter((key) => this.#groups.get(key)?.hosts.includes(name))]),
    )
  }

  #joiningTo({name, hosts}: GroupSettings, primary: string | null): ReadonlySet<string> {
    const before = this.#groups.get(name)
    if (before === undefined || primary === null || !hosts.includes(primary)) return nobody
    const still = this.joining(name)
    return new Set(hosts.filter((host) => !before.hosts.includes(host) || still.has(host)))
  }
}

/** It is shown, and never routed to. */
const unnamedGroup = (host: string): GroupSettings => ({
  name: '',
  hosts: [host],
  confirm: [],
  onSilent: 'deny',
  onSplitBrain: 'refuse',
  readFallback: 'none',
  systemIdentifier: null,
})
