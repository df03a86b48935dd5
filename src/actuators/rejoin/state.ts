import type {Lsn} from '../../core/facts/observation.ts'
import type {HistoryLine} from './fork.ts'

/** What `pg_controldata` says, in the C locale. */
export type ControlData = Readonly<{
  systemIdentifier: string
  /** `in production`, `shut down`, `in archive recovery` … */
  state: string
  checkpoint: Lsn
  checkpointTimeline: number
  hasChecksums: boolean
  hasHints: boolean
  segmentBytes: number
}>

/** Throws SyntaxError where a line is missing. */
export function readControlData(text: string): ControlData {
  const lineOf = (name: string) => {
    const line = text.split('\n').find((one) => one.startsWith(`${name}:`))
    if (line === undefined) throw new SyntaxError(`pg_controldata prints no line "${name}"`)
    return line.slice(name.length + 1).trim()
  }
  return {
    systemIdentifier: lineOf('Database system identifier'),
    state: lineOf('Database cluster state'),
    checkpoint: lineOf('Latest checkpoint location'),
    checkpointTimeline: Number(lineOf("Latest checkpoint's TimeLineID")),
    hasChecksums: lineOf('Data page checksum version') !== '0',
    hasHints: lineOf('wal_log_hints setting') === 'on',
    segmentBytes: Number(lineOf('Bytes per WAL segment')),
  }
}

/** What lies on this machine. */
export type LocalState = Readonly<{
  control: ControlData
  /** The highest timeline of pg_control and of the WAL segments: pg_control may be a checkpoint behind. */
  timeline: number
  /** Of that timeline. */
  history: readonly HistoryLine[]
  isRunning: boolean
  /** standby.signal or recovery.signal is there. */
  hasSignal: boolean
  /** A backup is being taken of this server; in words. */
  backup: string | null
  /** A tool that keeps this data directory; in words. */
  manager: string | null
  hasTablespaces: boolean
  /** pg_wal is a link to another place. */
  isWalElsewhere: boolean
  /** The data directory is a mount point, which cannot be renamed. */
  isMountPoint: boolean
  /** Bytes free beside the data directory, and in the archive. */
  freeBytes: number
  archiveFreeBytes: number
}>

/** By pg_control, which is right while the server runs and while it does not. */
export const isPrimary = ({control, hasSignal}: LocalState): boolean => !hasSignal && !isInRecovery(control)

/** The server ran as a standby when it last wrote pg_control. */
export const isInRecovery = ({state}: ControlData): boolean => standbyStates.includes(state)

const standbyStates = ['in archive recovery', 'shut down in recovery']

/** Crash recovery is due before pg_rewind. */
export const isCrashed = ({state}: ControlData): boolean => state !== 'shut down' && state !== 'shut down in recovery'

/** What a rejoin that has begun to change the data directory has reached. */
export type Phase = 'rewinding' | 'cloning' | 'copied' | 'placed' | 'streaming'

/**
 * The mark beside the data directory. From `rewinding` until `copied` the data is mixed; after that the
 * remaining steps can be run again.
 */
export type Mark = Readonly<{
  schema: 1
  host: string
  phase: Phase
  source: string
  timeline: number
  /** The folder of this run in the archive. */
  archive: string
  /** The old data directory of a clone; `null`: rewound in place. */
  aside: string | null
  at: string
}>

/** `null`: not a mark of this version. */
export function readMark(text: string): Mark | null {
  try {
    const mark = JSON.parse(text) as Mark
    return mark.schema === 1 && typeof mark.archive === 'string' ? mark : null
  } catch {
    return null
  }
}
