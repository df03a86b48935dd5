import {realpath} from 'node:fs/promises'
import {type Gates, type GuardSettings, shut} from '../../core/node/guard-settings.ts'
import {readBlock, removeLeftovers, type Written, writeGates} from './hba-file.ts'

/** A line of pg_hba.conf that PostgreSQL does not take. `file`: `null` where its version does not tell it. */
export type RuleProblem = Readonly<{file: string | null; line: number | null; error: string}>

/** What the gate asks of its own server. No method rejects. */
export interface GateServer {
  /** The path of pg_hba.conf; `null`: SQL is away. */
  hbaFile(signal: AbortSignal): Promise<string | null>
  /** What is wrong with the file as it stands; nothing where it may not look. `null`: SQL is away. */
  problems(signal: AbortSignal): Promise<readonly RuleProblem[] | null>
  /** Whether lines for these gates are among the rules that it finds; `null`: SQL is away, or may not look. */
  holds(gates: Gates, signal: AbortSignal): Promise<boolean | null>
  /** By SQL, else by SIGHUP. `not-running`: no server runs here, so the next start reads the file. */
  reload(signal: AbortSignal): Promise<'reloaded' | 'not-running' | 'failed'>
  /** Ends sessions of these users; how many. `null`: SQL is away. `not-allowed`: the right is missing. */
  terminate(users: readonly string[], signal: AbortSignal): Promise<number | 'not-allowed' | null>
}

/**
 * What came of one pass over the file. `gates`: what the file says now; `null`: not known. `problems`: each with
 * what to do; none: PostgreSQL follows the file.
 */
export type GateOutcome = Readonly<{
  gates: Gates | null
  /** The block had been changed by another program. */
  wasRewritten: boolean
  isInPlace: boolean
  /** PostgreSQL does not follow what the guard decided, so a shut gate may be open. */
  hasFailed: boolean
  problems: readonly string[]
}>

type Settings = Pick<GuardSettings, 'hbaFile' | 'rules'>

/** A file that PostgreSQL does not take must not stand there with each pass: a start could meet it. */
const patience = 60

/** The gates of one pg_hba.conf, and whether the server has read them. One `apply` at a time. */
export class HbaGate {
  readonly #settings: Settings
  readonly #server: GateServer
  #path: string | null
  /** What was written last, by this process. */
  #written: Gates | null = null
  /** What the server was told to read last. */
  #loaded: Gates | null = null
  /** Told while SQL was away: whether the server takes the file is not known. */
  #isUnchecked = false
  /** PostgreSQL did not take an open gate: for so many passes, it is not written again. */
  #refusal: Readonly<{text: string; passes: number}> | null = null

  constructor(settings: Settings, server: GateServer) {
    this.#settings = settings
    this.#server = server
    this.#path = settings.hbaFile
  }

  get path(): string | null {
    return this.#path
  }

  /** Writes the block where it differs, has the server check and read it. Never rejects. */
  async apply(gates: Gates, signal: AbortSignal): Promise<GateOutcome> {
    const refusal = this.#refusal
    if (refusal === null || refusal.passes === 0 || sameGates(gates, shut)) return await this.#write(gates, signal)
    this.#refusal = {...refusal, passes: refusal.passes - 1}
    const outcome = await this.#write(shut, signal)
    return {...outcome, problems: [refusal.text, ...outcome.problems]}
  }

  async #write(gates: Gates, signal: AbortSignal): Promise<GateOutcome> {
    const isFirst = this.#path === null || this.#written === null
    this.#path ??= await this.#server.hbaFile(signal)
    if (this.#path === null)
      // A server that is starting is no reason to stop it.
      return {
        ...failure('pg_hba.conf is not known: PostgreSQL does not answer. Set guard.hba_file.', null),
        hasFailed: false,
      }
    if (isFirst) await removeLeftovers(this.#path)
    const written = await writeGates(this.#path, this.#settings.rules, gates)
    if (written.kind === 'failed') return this.#failed(written)
    const wasRewritten = written.kind === 'written' && sameGates(this.#written, gates)
    this.#written = gates
    if (written.kind === 'same' && sameGates(this.#loaded, gates) && !this.#isUnchecked)
      return {...fine(gates), wasRewritten}
    const outcome = await this.#load(gates, signal)
    return {...outcome, wasRewritten, isInPlace: written.kind === 'written' && written.isInPlace}
  }

  /** PostgreSQL says yes to a reload of a broken file, and keeps the rules of before: so it is asked first. */
  async #load(gates: Gates, signal: AbortSignal): Promise<GateOutcome> {
    const answered = await this.#server.problems(signal)
    const found = answered ?? []
    if (answered === null && this.#isUnchecked && sameGates(this.#loaded, gates)) return fine(gates)
    this.#isUnchecked = answered === null
    const [own, others] = await this.#sorted(found)
    if (own !== undefined) return await this.#shutInstead(gates, own, signal)
    if (others !== undefined) {
      this.#loaded = null
      const line = `line ${others.line ?? '?'} of ${others.file ?? this.#path}: ${others.error}`
      return {
        ...fine(gates),
        hasFailed: true,
        problems: [`PostgreSQL does not read pg_hba.conf (${line}). Correct that line.`],
      }
    }
    const reloaded = await this.#server.reload(signal)
    // A server that was not found may run out of sight, in a container of its own: it is told once SQL is back.
    this.#loaded = reloaded === 'reloaded' ? gates : null
    if (reloaded !== 'failed' && answered !== null && (await this.#server.holds(gates, signal)) === false)
      return this.#unread(gates)
    if (reloaded !== 'failed') return fine(gates)
    const text = 'PostgreSQL could not be told to read pg_hba.conf. Run the guard as the user of the server.'
    return {...fine(gates), hasFailed: true, problems: [text]}
  }

  /** The server has another pg_hba.conf, so nothing that is written here shuts a gate. */
  #unread(gates: Gates): GateOutcome {
    this.#loaded = null
    const text = `PostgreSQL does not read ${this.#path}: it finds no line of the guard.`
    const next = 'Set guard.hba_file to the file that "SHOW hba_file" names.'
    return {...fine(gates), hasFailed: true, problems: [`${text} ${next}`]}
  }

  /** The first problem within the block, and the first elsewhere. */
  async #sorted(found: readonly RuleProblem[]): Promise<readonly [RuleProblem | undefined, RuleProblem | undefined]> {
    if (found.length === 0) return [undefined, undefined]
    const block = await readBlock(this.#path ?? '').catch(() => null)
    const real = (path: string) => realpath(path).catch(() => path)
    const file = await real(this.#path ?? '')
    const lines = await Promise.all(found.map(async (each) => ({...each, file: each.file && (await real(each.file))})))
    const isOwn = ({file: at, line}: RuleProblem) =>
      block?.kind === 'block' &&
      (at === null || at === file) &&
      line !== null &&
      line >= block.lines.first &&
      line <= block.lines.last
    return [lines.find(isOwn), lines.find((each) => !isOwn(each))]
  }

  /** PostgreSQL does not take the method of an open gate: it stays shut, and the server can start. */
  async #shutInstead(gates: Gates, {error}: RuleProblem, signal: AbortSignal): Promise<GateOutcome> {
    const text = `PostgreSQL refuses the lines of the guard (${error}). Correct guard.allow and guard.addresses.`
    if (sameGates(gates, shut)) return {...fine(gates), hasFailed: true, problems: [text]}
    this.#refusal = {text, passes: patience}
    const written = await writeGates(this.#path ?? '', this.#settings.rules, shut)
    if (written.kind === 'failed') return failure(`${text} ${written.next}`, null)
    this.#written = shut
    const outcome = await this.#load(shut, signal)
    return {...outcome, problems: [text, ...outcome.problems]}
  }

  #failed({why, next}: Written & {kind: 'failed'}): GateOutcome {
    const gates = this.#written
    // Another program may have written it: what the file says is not known.
    this.#written = null
    this.#loaded = null
    return failure(`${this.#path} ${why}. ${next}`, gates)
  }
}

export const sameGates = (one: Gates | null, other: Gates): boolean =>
  one !== null && one.readWrite === other.readWrite && one.readOnly === other.readOnly

const fine = (gates: Gates): GateOutcome => ({
  gates,
  wasRewritten: false,
  isInPlace: false,
  hasFailed: false,
  problems: [],
})
const failure = (problem: string, gates: Gates | null): GateOutcome => ({
  gates,
  wasRewritten: false,
  isInPlace: false,
  hasFailed: true,
  problems: [problem],
})
