import {ownSources} from '../../src/core/evidence/evidence.ts'
import {type Sources, sourcesByName} from '../../src/core/evidence/evidence-source.ts'
import {type GroupView, type Member, memberOf, viewGroup} from '../../src/core/facts/group-view.ts'
import {type HostRecord, newRecord} from '../../src/core/facts/host-record.ts'
import {identify} from '../../src/core/facts/identity.ts'
import type {Facts, Receiver, Sender, SessionFacts} from '../../src/core/facts/observation.ts'
import type {GroupSettings} from '../../src/core/settings.ts'
import type {Decision} from '../../src/core/snapshot.ts'
import {blankMemory, type GroupMemory, type Writer} from '../../src/core/verdict/group-memory.ts'
import {type Notes, noNotes} from '../../src/core/verdict/memory.ts'
import {type GroupJudgement, judge} from '../../src/core/verdict/verdict.ts'
import type {Cause} from '../../src/core/vocabulary.ts'
import {groupSettings, hostSettings} from './settings.ts'

/**
 * Monotonic now of every table, and the cluster that everybody belongs to unless told otherwise.
 */
export const NOW = 100_000
export const MAX_AGE = 3_000
/** What the clock of every server shows, beside NOW. */
export const SERVER_NOW = 1_700_000_000_000
export const OURS = '7710428129421941699'

export type Saying = Readonly<{
  /** Age of the answer: how long before NOW its question was sent. */
  ageMs?: number
  probeMs?: number
  timeline?: number | null
  lsn?: string | null
  /** Of a standby; default: `lsn`. */
  receiveLsn?: string | null
  /** Of a standby: the highest timeline of its segments. */
  diskTimeline?: number | null
  /** Of a primary; default: `lsn`. */
  flushLsn?: string
  cluster?: string
  readOnly?: boolean
  senders?: readonly Sender[]
  receiver?: Partial<Receiver> | null
  /** A standby: whom it streams from. */
  of?: string
  lastReplayAgeMs?: number | null
  applyDelayMs?: number | null
  aliases?: readonly string[]
  session?: Partial<SessionFacts>
  more?: Partial<HostRecord>
}>

const session: SessionFacts = {
  systemIdentifier: OURS,
  serverVersion: 150_020,
  clusterName: null,
  startedAt: 1,
  backendPid: 1,
  backendStart: '1',
  remoteAddress: null,
}

const quiet: Facts = {
  inRecovery: false,
  clockMs: null,
  timeline: 1,
  diskTimeline: null,
  lsn: '0/3000000',
  flushLsn: null,
  receiveLsn: null,
  lastReplayAgeMs: null,
  receiver: null,
  senders: [],
  readOnly: false,
  applyDelayMs: null,
  replayPaused: null,
  backendsUsed: 5,
  backendsMax: 100,
}

/** No two servers start at one moment. */
const startOf = (name: string): number => [...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7)

function answering(name: string, saying: Saying, facts: Facts): HostRecord {
  const {ageMs = 10, probeMs = 1, cluster = OURS, aliases = [], more = {}} = saying
  return {
    ...newRecord(hostSettings(name, {}, aliases)),
    observation: {
      host: name,
      askedAt: NOW - ageMs,
      probeMs,
      kind: 'facts',
      session: {...session, startedAt: startOf(name), systemIdentifier: cluster, ...saying.session},
      facts: {...facts, clockMs: SERVER_NOW - ageMs},
    },
    ...more,
  }
}

export const primary = (name: string, saying: Saying = {}): HostRecord =>
  answering(name, saying, {
    ...quiet,
    timeline: saying.timeline === undefined ? 1 : saying.timeline,
    lsn: saying.lsn === undefined ? quiet.lsn : saying.lsn,
    flushLsn: saying.flushLsn ?? (saying.lsn === undefined ? quiet.lsn : saying.lsn),
    readOnly: saying.readOnly ?? false,
    senders: saying.senders ?? [],
  })

export function standby(name: string, saying: Saying = {}): HostRecord {
  const timeline = saying.timeline === undefined ? 1 : saying.timeline
  const lsn = saying.lsn === undefined ? quiet.lsn : saying.lsn
  const streaming: Receiver = {
    status: 'streaming',
    senderHost: saying.of ?? null,
    senderPort: 5432,
    receivedTimeline: timeline,
    lastMessageAgeMs: 20,
    lastMessageSentMs: SERVER_NOW - (saying.ageMs ?? 10) - (saying.receiver?.lastMessageAgeMs ?? 20),
    latestEndLsn: lsn,
  }
  const hasReceiver = saying.receiver !== null && (saying.of !== undefined || saying.receiver !== undefined)
  return answering(name, saying, {
    ...quiet,
    inRecovery: true,
    readOnly: true,
    timeline,
    lsn,
    diskTimeline: saying.diskTimeline ?? null,
    receiveLsn: saying.receiveLsn === undefined ? lsn : saying.receiveLsn,
    lastReplayAgeMs: saying.lastReplayAgeMs ?? null,
    applyDelayMs: saying.applyDelayMs ?? null,
    receiver: hasReceiver ? {...streaming, ...saying.receiver} : null,
    senders: saying.senders ?? [],
  })
}

export const failing = (name: string, cause: Cause = 'refused', more: Partial<HostRecord> = {}): HostRecord => ({
  ...newRecord(hostSettings(name)),
  observation: {host: name, askedAt: NOW - 10, probeMs: 1, kind: 'failure', cause, detail: 'a detail'},
  ...more,
})

export const unasked = (name: string): HostRecord => newRecord(hostSettings(name))

/** `host` wrote on this timeline, as it is remembered; `null`: only standbys have shown it. */
export const wrote = (timeline: number, host: string | null = null, more: Partial<Writer> = {}): Writer => ({
  timeline,
  host,
  at: host === null ? null : `${host}:5432`,
  startedAt: host === null ? null : startOf(host),
  lsn: null,
  by: null,
  lost: null,
  ...more,
})

/** A row of pg_stat_replication. */
export const row = (applicationName: string | null, more: Partial<Sender> = {}): Sender => ({
  pid: 9,
  applicationName,
  clientAddr: applicationName,
  state: 'streaming',
  syncState: 'async',
  replayLsn: null,
  ...more,
})

export const drained = {drained: {since: 0, by: 'jane', reason: null}} as const

export const viewOf = (hosts: readonly HostRecord[], systemIdentifier: string | null = null, now = NOW): GroupView =>
  viewGroup({group: 'all', records: hosts, identity: identify(systemIdentifier, hosts), now, maxAgeMs: MAX_AGE})

export function memberIn(view: GroupView, host: string): Member {
  const member = memberOf(view, host)
  if (member === null) throw new Error(`no ${host}`)
  return member
}

export type Trial = Readonly<{
  hosts: readonly HostRecord[]
  settings?: Partial<GroupSettings>
  memory?: Partial<GroupMemory>
  sources?: Sources
  held?: GroupJudgement['held']
  notes?: Notes
  before?: Decision | null
  shown?: readonly string[]
  now?: number
}>

/** The whole judgement of one group, of which a table says only what it is about. */
export function judgementOf({
  hosts,
  settings = {},
  memory = {},
  sources = {},
  held = {},
  notes = noNotes,
  before = null,
  shown = [],
  now = NOW,
}: Trial): GroupJudgement {
  const group = groupSettings(
    'all',
    hosts.map((host) => host.settings.name),
    settings,
  )
  const known = {...blankMemory, ...memory}
  return judge({
    view: viewOf(hosts, group.systemIdentifier ?? known.systemIdentifier, now),
    settings: group,
    memory: known,
    held,
    notes,
    before,
    sources: {...sourcesByName(ownSources(5_000)), ...sources},
    shown,
    followersMaxAgeMs: 5_000,
  })
}
