import type {
  AnyHost,
  Availability,
  Evidence,
  GroupState,
  HostState,
  PrimaryHost,
  Snapshot,
  StandbyHost,
  UnavailableHost,
  Verdict,
} from '../../src/core/snapshot.ts'

/** A moment of the tests' own: monotonic and wall clock, in milliseconds. */
export const noon = {now: 1_000_000, wall: Date.UTC(2026, 10, 21, 12)}

/**
 * A host is given as what is special about it; its name comes from the key under which it stands,
 * and its address from its place among the keys.
 */
type Draft<State extends HostState> = Omit<State, 'host' | 'address' | 'addresses'> &
  Readonly<{address?: string; addresses?: readonly string[]}>
export type HostDraft = Draft<PrimaryHost> | Draft<StandbyHost> | Draft<UnavailableHost>
const common: Omit<AnyHost, 'host' | 'address' | 'addresses'> = {
  since: noon.wall - 60_000,
  askedAt: noon.now - 12,
  port: 5432,
  groups: ['all'],
  location: null,
  drained: null,
  serverVersion: 150020,
  clusterName: 'main',
  systemIdentifier: '7710428129421941699',
  startedAt: noon.wall - 86_400_000,
  probeMs: 0.4,
  availability: null,
}
const answering = {
  ...common,
  timeline: 3,
  lsn: '0/3000148',
  senders: [],
  readOnly: false,
  backendsUsed: 7,
  backendsMax: 100,
}

export const streaming = {
  status: 'streaming',
  senderHost: '10.0.0.1',
  senderPort: 5432,
  receivedTimeline: 3,
  lastMessageAgeMs: 20,
  lastMessageSentMs: null,
  latestEndLsn: '0/3000148',
} as const

export const primary = (special: Partial<PrimaryHost> = {}): HostDraft => ({...answering, role: 'primary', ...special})

/** It streams from `upstream`, and has replayed everything. */
export const standby = (upstream = 'host1', special: Partial<StandbyHost> = {}): HostDraft => ({
  ...answering,
  role: 'standby',
  upstream,
  receiver: streaming,
  receiveLsn: '0/3000148',
  lagBytes: 0,
  lagMs: 0,
  replicationState: 'streaming',
  syncState: 'async',
  replayPaused: false,
  delayed: null,
  ...special,
})

export const unavailable = (
  cause: UnavailableHost['cause'] = 'refused',
  special: Partial<UnavailableHost> = {},
): HostDraft => ({
  ...common,
  role: 'unavailable',
  cause,
  detail: `seen: ${cause}`,
  blind: cause === 'auth' || cause === 'tls' || cause === 'dns',
  probeMs: null,
  ...special,
})

/** Neither an answer nor a cause yet. */
export const unasked = (): HostDraft => unavailable(null, {askedAt: null, detail: 'not asked yet'})
export const drained = {since: noon.wall - 5_000, by: 'alice', reason: 'new disk'} as const
export const available = (delayMs: number, ageMs = 10): Availability => ({
  kind: 'ok',
  delayMs,
  askedAt: noon.now - ageMs,
})

/** The fields of every kind, side by side: a test names those that it is about. */
export type VerdictDraft = Partial<Omit<Verdict, 'primary' | 'routedTo'>> &
  Readonly<{primary?: string | null; routedTo?: string | null; suspect?: string | null}>

export type SnapshotDraft = Readonly<{
  hosts: Readonly<Record<string, HostDraft>>
  /** Name → hosts; without it, all of them are one group. */
  groups?: Readonly<Record<string, readonly string[]>>
  /** In place of what the roles of the hosts say. For one group, or by group. */
  verdict?: VerdictDraft
  verdicts?: Readonly<Record<string, VerdictDraft>>
  evidence?: readonly Evidence[]
}> &
  Partial<Omit<Snapshot, 'hosts' | 'groups'>>

/**
 * `snapshot({hosts: {host1: primary(), host2: standby()}})`: the verdict follows from the roles, as
 * the judge would have it, unless it is given.
 */
export function snapshot({hosts, groups, verdict, verdicts, evidence = [], ...rest}: SnapshotDraft): Snapshot {
  const grouped = groups ?? {all: Object.keys(hosts)}
  const groupsOf = (host: string) => Object.keys(grouped).filter((group) => grouped[group]?.includes(host))
  const states = Object.entries(hosts).map(([host, special], index): [string, HostState] => {
    const {address = `10.0.0.${index + 1}`, addresses = [address]} = special
    return [host, {...special, address, addresses, groups: groupsOf(host), host}]
  })
  const all = Object.fromEntries(states)
  const judged = Object.entries(grouped).map(([name, members]): [string, GroupState] => [
    name,
    {
      name,
      hosts: members,
      evidence,
      verdict: {...verdictOf(members.flatMap((host) => all[host] ?? [])), ...verdict, ...verdicts?.[name]} as Verdict,
    },
  ])
  const isReady = states.every(([, {askedAt}]) => askedAt !== null)
  const about = {
    epoch: '9f2c41',
    sequence: 417,
    at: noon.wall,
    ready: isReady,
    version: '0.1.0',
    maxAgeMs: 3_000,
    actuators: {},
    maintenance: null,
  }
  return {...about, ...rest, groups: Object.fromEntries(judged), hosts: all}
}

function verdictOf(members: readonly HostState[]): Verdict {
  const primaries = members.filter(({role}) => role === 'primary')
  const [first] = primaries
  const about = {
    primary: null,
    primaries: primaries.map(({host}) => host).sort(),
    routedTo: null,
    blind: members.filter((host) => host.role === 'unavailable' && host.blind).map(({host}) => host),
    since: noon.wall - 60_000,
  }
  if (members.some(({askedAt}) => askedAt === null))
    return {...about, kind: 'starting', rule: 'V0', situation: 'starting', why: 'waiting for a first answer'}
  if (primaries.length > 1)
    return {
      ...about,
      kind: 'split-brain',
      rule: 'V1',
      situation: 'two-primaries',
      suspect: null,
      why: `split brain: ${about.primaries.join(' and ')} are primary`,
    }
  if (!first) return {...about, kind: 'no-primary', rule: 'V5', situation: 'no-primary', why: 'no host is primary'}
  const routedTo = first.drained === null ? first.host : null
  return {
    ...about,
    kind: 'primary',
    rule: 'V4',
    situation: routedTo === null ? 'primary-drained' : 'healthy',
    primary: first.host,
    routedTo,
    why: `${first.host} is the only primary`,
  }
}

/** One primary that nothing is routed to: a confirmation is missing. */
export const unconfirmed = (host: string): VerdictDraft => ({
  kind: 'unconfirmed',
  rule: 'V3',
  situation: 'not-confirmed',
  primary: host,
  routedTo: null,
  why: `${host} is the only primary, but followers is silent`,
})

/** A primary that does not answer us, and from which its standbys go on receiving. */
export const unreachable = (host: string): VerdictDraft => ({
  kind: 'primary',
  rule: 'V4',
  situation: 'unreachable-but-followed',
  primary: host,
  routedTo: host,
  why: `${host} is out of reach for pgroute66 (refused), but host2 goes on receiving from it`,
})
