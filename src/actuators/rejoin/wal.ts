import {readdir, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {lsnBytes} from '../../core/facts/lsn.ts'
import type {Lsn} from '../../core/facts/observation.ts'
import {runProgram} from '../../system/program.ts'
import {type Exempt, type Loss, LossCount} from './loss.ts'
import type {ControlData} from './state.ts'

const segment = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?$/

/** The highest timeline of the WAL segments in a data directory; 0: there is none. */
export async function highestTimeline(pgdata: string): Promise<number> {
  const names = await readdir(join(pgdata, 'pg_wal'))
  return Math.max(0, ...names.map((name) => Number.parseInt(segment.exec(name)?.[1] ?? '0', 16)))
}

/**
 * The files of pg_wal that hold what this host wrote past the fork, with their sizes, and every history
 * file: what is to be kept before pg_rewind removes it.
 */
export async function divergedWal(
  pgdata: string,
  at: Readonly<{timeline: number; lsn: Lsn; segmentBytes: number}>,
): Promise<readonly Readonly<{name: string; bytes: number}>[]> {
  const folder = join(pgdata, 'pg_wal')
  const first = (lsnBytes(at.lsn) ?? 0n) / BigInt(at.segmentBytes)
  const perLog = 0x1_0000_0000n / BigInt(at.segmentBytes)
  const wanted = (await readdir(folder)).filter((name) => {
    const [whole, timeline = '', log = '', part = ''] = segment.exec(name) ?? []
    if (whole === undefined) return /^[0-9A-F]{8}\.history$/.test(name)
    const number = BigInt(`0x${log}`) * perLog + BigInt(`0x${part}`)
    return Number.parseInt(timeline, 16) >= at.timeline && number >= first
  })
  return Promise.all(wanted.map(async (name) => ({name, bytes: (await stat(join(folder, name))).size})))
}

/** The end of the WAL looks like an error to pg_waldump. That nothing is past the fork does too. */
const isEnd = (stderr: string) => /error in WAL record|could not find a valid record|could not find file/.test(stderr)

/** Counts what a data directory has past the fork, by pg_waldump. Works while the server runs. */
export async function countLoss(
  bin: string,
  pgdata: string,
  at: Readonly<{timeline: number; lsn: Lsn; control: ControlData; exempt: Exempt}>,
): Promise<Loss> {
  const {timeline, lsn, control, exempt} = at
  const count = new LossCount(lsn, exempt, control.segmentBytes)
  const command = [join(bin, 'pg_waldump'), '-p', join(pgdata, 'pg_wal'), '-t', String(timeline), '-s', lsn]
  const {code, stderr} = await runProgram(command, {env: {TZ: 'UTC'}, onLine: (line) => count.take(line)})
  const last = control.checkpointTimeline === timeline ? control.checkpoint : null
  const isGood = code === 0 || (code === 1 && isEnd(stderr))
  const isMissing = !count.hasRecords && /could not find file/.test(stderr) && !(await endsAtFork(pgdata, at))
  const words = stderr.trim().split('\n').at(-1) ?? ''
  return count.result(last, isGood && !isMissing ? null : words || `pg_waldump ended with ${code}`)
}

/** A fork at the begin of a segment that this host never wrote is no gap. */
async function endsAtFork(
  pgdata: string,
  {timeline, lsn, control}: Readonly<{timeline: number; lsn: Lsn; control: ControlData}>,
): Promise<boolean> {
  const files = await divergedWal(pgdata, {timeline, lsn, segmentBytes: control.segmentBytes})
  const isAtBegin = (lsnBytes(lsn) ?? 1n) % BigInt(control.segmentBytes) === 0n
  return isAtBegin && !files.some(({name}) => segment.test(name))
}
