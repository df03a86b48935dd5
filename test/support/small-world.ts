import {type HostRecord, newRecord} from '../../src/core/facts/host-record.ts'
import type {GroupAssessment} from '../../src/core/verdict/assessment.ts'
import {hostSettings} from './settings.ts'

/** One server as it is in truth. `commits`: what it holds, each by a letter; the order is the history. */
export type Server = Readonly<{
  /** `hidden`: it lives and writes, and a firewall refuses us in its name. */
  state: 'up' | 'hidden' | 'stopping' | 'down'
  isPrimary: boolean
  timeline: number
  commits: string
  upstream: number | null
  /** Restored from an earlier state; it writes no more, since positions cannot tell what it writes then. */
  isRestored: boolean
  /** The operator overruled it: what it writes does not count. */
  isOverruled: boolean
}>

/** What an answer described. `at`: when; 0 where all are asked in one round. */
export type Seen = Readonly<{timeline: number; commits: string; at: number}>

/** What one daemon has heard, and made of it. */
export type Monitor = Readonly<{
  records: readonly HostRecord[]
  past: GroupAssessment | null
  /** By host: what its last answer described. */
  told: readonly (Seen | null)[]
  /** What was described since the operator last spoke; the longest of each history. */
  seen: readonly Seen[]
  /** The rivals of the last split brain that was told. */
  rivals: readonly string[]
  /** By host: the way between the two is cut, for this monitor alone. */
  isCut: readonly boolean[]
}>

export type World = Readonly<{
  servers: readonly Server[]
  monitors: readonly Monitor[]
  /** Every monitor has asked since the last thing happened: no word of a host is older than the truth. */
  isSettled: boolean
  /** Commits that the operator gave up. */
  overruled: string
  tick: number
  used: Readonly<{commits: number; restores: number; accepts: number; hides: number; cuts: number; starts: number}>
}>

export type Bounds = Readonly<{
  hosts: number
  commits: number
  timelines: number
  restores: number
  accepts: number
  /** How often a firewall comes between the daemons and a host. */
  hides: number
  /** Daemons beside each other. Absent: one. */
  monitors?: number
  /** How often the way between one daemon and one host is cut. Absent: never. */
  cuts?: number
  /** How often a host that is down comes back. Absent: always. */
  starts?: number
  /** The confirmations that a verdict needs. Absent: none. */
  confirm?: readonly string[]
  /** Each host is asked by itself; else all of them in one round, while nothing else happens. */
  isAskedAlone: boolean
  /** What is lost between two judgements, to take a rule out. */
  forget?: (past: GroupAssessment) => GroupAssessment
}>

/** A thing that can happen, in words, and the world after it. */
export type Step = Readonly<{what: string; world: World}>

export const isLiving = (server: Server | undefined): server is Server =>
  server?.state === 'up' || server?.state === 'hidden'

export const hostName = (index: number) => `host${index + 1}`

export function firstWorld({hosts, monitors = 1}: Bounds): World {
  const servers = Array.from(
    {length: hosts},
    (_, index): Server => ({
      state: 'up',
      isPrimary: index === 0,
      timeline: 1,
      commits: '',
      upstream: index === 0 ? null : 0,
      isRestored: false,
      isOverruled: false,
    }),
  )
  const monitor: Monitor = {
    records: servers.map((_, index) => newRecord(hostSettings(hostName(index)))),
    past: null,
    told: servers.map(() => null),
    seen: [],
    rivals: [],
    isCut: servers.map(() => false),
  }
  return {
    servers,
    monitors: Array.from({length: monitors}, () => monitor),
    isSettled: false,
    overruled: '',
    tick: 1,
    used: {commits: 0, restores: 0, accepts: 0, hides: 0, cuts: 0, starts: 0},
  }
}
