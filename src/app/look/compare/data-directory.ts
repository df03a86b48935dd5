import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {readHistory} from '../../../actuators/rejoin/fork.ts'
import {controlData} from '../../../actuators/rejoin/local.ts'
import type {Loss} from '../../../actuators/rejoin/loss.ts'
import type {ControlData} from '../../../actuators/rejoin/state.ts'
import {countLoss, highestTimeline} from '../../../actuators/rejoin/wal.ts'
import type {Lsn} from '../../../core/facts/observation.ts'
import {historyName} from './history.ts'
import type {Alone, Line} from './lineage.ts'
import {diskPosition} from './position.ts'

/** A data directory on this machine, and the programs of its version. */
export type DataDirectory = Readonly<{bin: string; pgdata: string}>
export type OnDisk = Readonly<{line: Line; control: ControlData; notes: readonly string[]}>

const nothingExempt = {databases: new Set<string>(), relations: new Set<string>()}

/** In words: why a data directory cannot be read; `null`: it can. */
export async function unreadable({bin, pgdata}: DataDirectory): Promise<string | null> {
  try {
    await controlData(bin, pgdata)
    await highestTimeline(pgdata)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** What a stopped server holds. Throws OperatorError where it is no data directory. */
export async function readDisk({bin, pgdata}: DataDirectory): Promise<OnDisk> {
  const control = await controlData(bin, pgdata)
  const timeline = Math.max(control.checkpointTimeline, await highestTimeline(pgdata))
  const path = join(pgdata, 'pg_wal', historyName(timeline))
  const history = timeline === 1 ? [] : await readFile(path, 'utf8').then(readHistory, () => null)
  const begin = control.checkpointTimeline === timeline ? control.checkpoint : history?.at(-1)?.lsn
  const loss = begin === undefined ? null : await walFrom({bin, pgdata}, timeline, begin, control)
  const {end, notes} = diskPosition(pgdata, loss)
  return {line: {timeline, end, history}, control, notes}
}

/**
 * The commits that a host holds alone, by pg_waldump. In words where pg_waldump cannot tell: WAL on
 * several timelines, or gone from pg_wal.
 */
export async function commitsOf(directory: DataDirectory, {timelines, from, bytes}: Alone): Promise<Loss | string> {
  const [timeline, more] = timelines
  if (bytes === 0 || timeline === undefined) return 'nothing to count'
  if (more !== undefined) return `the WAL is on timelines ${timelines.join(', ')}`
  const loss = await walFrom(directory, timeline, from, await controlData(directory.bin, directory.pgdata))
  return loss.doubt ?? loss
}

const walFrom = ({bin, pgdata}: DataDirectory, timeline: number, lsn: Lsn, control: ControlData): Promise<Loss> =>
  countLoss(bin, pgdata, {timeline, lsn, control, exempt: nothingExempt})
