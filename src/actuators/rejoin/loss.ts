import {lsnBytes, lsnDifference} from '../../core/facts/lsn.ts'
import type {Lsn} from '../../core/facts/observation.ts'
import {recordEnd, type WalRecord} from './record-end.ts'

/** What is not counted: repmgrd commits by itself, and so does the heartbeat of pgroute66. */
export type Exempt = Readonly<{
  /** OIDs of databases, as pg_waldump prints them. */
  databases: ReadonlySet<string>
  /** `DATABASE/FILE` of tables and their indexes. */
  relations: ReadonlySet<string>
}>

/** The commits of one database past the fork. `oid` `null`: no record tells which database. */
export type DatabaseLoss = Readonly<{oid: string | null; commits: number; isCounted: boolean}>

/** What this host has past the fork, and the other primary lacks. */
export type Loss = Readonly<{
  bytes: number
  /** The begin of the last record; the fork, where there is none. */
  end: Lsn
  /** The end of the last record; the fork, where there is none. */
  past: Lsn
  commits: number
  /** Those that `--accept-loss` is needed for. */
  counted: number
  databases: readonly DatabaseLoss[]
  /** Of the last commit, as pg_waldump prints it: `2026-11-28 21:37:13`. */
  lastAt: string | null
  /** Why pg_waldump may have missed some; `null`: it read all. */
  doubt: string | null
}>

/** Where this host left the history of the other primary, and what it has past that point. */
export type Fork = Readonly<{timeline: number; lsn: Lsn; loss: Loss}>

const record = /^rmgr: (\S+)\s+len \(rec\/tot\):\s+\d+\/\s*(\d+), tx:\s+(\d+), lsn: ([0-9A-F]+\/[0-9A-F]+),/
const switched = /, desc: SWITCH/
/** Told to a transaction manager as safe, and not yet committed or rolled back. */
const prepared = /, desc: PREPARE /
const unprepared = /, desc: ABORT_PREPARED (\d+): /
const committed = /, desc: COMMIT(_PREPARED)? (?:(\d+): )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/

type Transaction = {databases: Set<string>; relations: Set<string>}

/**
 * Counts by the lines of `pg_waldump`, all of them: a commit record does not name its database, the
 * other records of the transaction do.
 */
export class LossCount {
  readonly #fork: Lsn
  readonly #exempt: Exempt
  readonly #open = new Map<string, Transaction>()
  readonly #counts = new Map<string, {oid: string | null; isCounted: boolean; commits: number}>()
  readonly #prepared = new Map<string, string>()
  readonly #segmentBytes: number
  #end: Lsn
  #last: WalRecord | null = null
  #lastAt: string | null = null

  constructor(fork: Lsn, exempt: Exempt, segmentBytes: number) {
    this.#fork = fork
    this.#exempt = exempt
    this.#end = fork
    this.#segmentBytes = segmentBytes
  }

  get hasRecords(): boolean {
    return this.#last !== null
  }

  take(line: string): void {
    const [head, manager, bytes, xid = '0', lsn] = record.exec(line) ?? []
    if (head === undefined || lsn === undefined) return
    // PostgreSQL writes 0/44375C0 everywhere else.
    this.#end = lsn.replace(/\/0+(?=.)/, '/')
    this.#last = {lsn, bytes: Number(bytes), isSwitch: manager === 'XLOG' && switched.test(line)}
    const commit = manager === 'Transaction' ? committed.exec(line) : null
    if (commit !== null) {
      this.#prepared.delete(commit[2] ?? xid)
      this.#commit(commit[2] ?? xid, line, commit[3] ?? null)
    } else if (manager === 'Transaction' && prepared.test(line)) this.#prepared.set(xid, line)
    else if (manager === 'Transaction' && unprepared.test(line)) this.#prepared.delete(unprepared.exec(line)?.[1] ?? '')
    else if (xid !== '0') this.#note(xid, line)
  }

  /** At the end. `last`: the checkpoint that pg_control names, where it is on this timeline. */
  result(last: Lsn | null, trouble: string | null): Loss {
    for (const [xid, line] of this.#prepared) this.#commit(xid, line, this.#lastAt)
    this.#prepared.clear()
    const databases = [...this.#counts.values()].sort((a, b) => b.commits - a.commits)
    const sum = (of: readonly DatabaseLoss[]) => of.reduce((total, {commits}) => total + commits, 0)
    const [end, known] = [lsnBytes(this.#end) ?? 0n, lsnBytes(last)]
    // What pg_control names was on this disk: pg_waldump that ends before it has not read all.
    const isShort = known !== null && known > (lsnBytes(this.#fork) ?? 0n) && end < known
    return {
      bytes: Math.max(0, lsnDifference(this.#end, this.#fork) ?? 0),
      end: this.#end,
      past: this.#last === null ? this.#fork : recordEnd(this.#last, this.#segmentBytes),
      commits: sum(databases),
      counted: sum(databases.filter(({isCounted}) => isCounted)),
      databases,
      lastAt: this.#lastAt,
      doubt:
        trouble ?? (isShort ? `pg_waldump ends at ${this.#end}, and pg_control names a checkpoint at ${last}` : null),
    }
  }

  #note(xid: string, line: string): void {
    const open = this.#open.get(xid) ?? {databases: new Set<string>(), relations: new Set<string>()}
    this.#open.set(xid, open)
    for (const [, database = '', file = ''] of line.matchAll(/\brel \d+\/(\d+)\/(\d+)/g)) {
      open.databases.add(database)
      open.relations.add(`${database}/${file}`)
    }
    // Files and locks carry a database without a block: CREATE base/16387/16391, db 16387.
    for (const [, database = ''] of line.matchAll(/\b(?:base\/|db )(\d+)\b/g))
      if (database !== '') open.databases.add(database)
  }

  #commit(xid: string, line: string, at: string | null): void {
    this.#lastAt = at
    const [, list = ''] = /; subxacts: ([\d ]+)/.exec(line) ?? []
    const parts = [xid, ...list.trim().split(/\s+/)].flatMap((one) => this.#open.get(one) ?? [])
    this.#open.delete(xid)
    const databases = new Set(parts.flatMap((part) => [...part.databases]))
    const relations = parts.flatMap((part) => [...part.relations])
    // 0 is what all databases share. A transaction writes in one database beside it.
    const [oid = databases.has('0') ? '0' : null] = [...databases].filter((one) => one !== '0')
    const isExempt =
      (oid !== null && this.#exempt.databases.has(oid)) ||
      (relations.length > 0 && relations.every((one) => this.#exempt.relations.has(one)))
    const key = `${oid} ${isExempt}`
    const before = this.#counts.get(key) ?? {oid, isCounted: !isExempt, commits: 0}
    this.#counts.set(key, {...before, commits: before.commits + 1})
  }
}
