import {appendFile, mkdir} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {keptChanges, type PastChange} from '../../core/changes.ts'
import type {Log} from '../../core/ports.ts'
import type {Publication} from '../../core/snapshot.ts'
import {pastFromWire, pastToWire} from '../../protocol/change-json.ts'
import {readText, replaceText} from '../../system/durable-file.ts'

/** With more lines than this, the file is cut back to the last `keptChanges`. */
const mostLines = 2 * keptChanges

/**
 * The last changes, which survive restarts: one JSON document per line of `changes.jsonl` under
 * `state_dir`. No verdict depends on the file, so a file that cannot be read or written costs only
 * the record. A line that a crash cut off is skipped.
 */
export class ChangeJournal implements AsyncDisposable {
  #path: string | null
  readonly #log: Log
  #changes: readonly PastChange[]
  #lines: number
  #unsaved: PastChange[] = []
  #saving: Promise<void> | null = null
  #hasFailed = false

  private constructor(path: string | null, log: Log, {changes, lines}: Kept) {
    this.#path = path
    this.#log = log
    this.#changes = changes
    this.#lines = lines
  }

  /** `stateDir` null: the changes last as long as the process. */
  static async open(stateDir: string | null, log: Log): Promise<ChangeJournal> {
    const path = pathIn(stateDir)
    const kept = path === null ? nothing : await read(path, log)
    return new ChangeJournal(path, log, kept)
  }

  /** Oldest first. */
  latest(): readonly PastChange[] {
    return this.#changes
  }

  /** Never waits, never throws. `at`: wall clock. */
  record({changes, snapshot: {epoch, sequence}}: Publication, at: number): void {
    if (changes.length === 0) return
    const added = changes.map((change) => ({at, epoch, sequence, change}))
    this.#changes = [...this.#changes, ...added].slice(-keptChanges)
    if (this.#path === null) return
    this.#unsaved = [...this.#unsaved, ...added].slice(-keptChanges)
    this.#saving ??= this.#save()
  }

  /** With the next change, all kept changes are written to the new state_dir. */
  applyConfig({stateDir}: Readonly<{stateDir: string | null}>): void {
    const path = pathIn(stateDir)
    if (path === this.#path) return
    this.#path = path
    this.#lines = mostLines
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#saving
  }

  async #save(): Promise<void> {
    for (let path = this.#path; path !== null && this.#unsaved.length > 0; path = this.#path) {
      const added = this.#unsaved.splice(0)
      this.#lines += added.length
      try {
        if (this.#lines > mostLines) {
          const all = this.#changes
          await replaceText(path, textOf(all))
          this.#lines = all.length
        } else {
          await mkdir(dirname(path), {recursive: true, mode: 0o755})
          await appendFile(path, textOf(added), {mode: 0o644})
        }
        this.#hasFailed = false
      } catch (error) {
        const {code, message} = error as NodeJS.ErrnoException
        if (!this.#hasFailed) {
          const next = 'Give this user a state_dir that it may write to, with space left.'
          this.#log.warn(
            {},
            `${path} cannot be written (${code ?? message}): a restart loses the latest changes. ${next}`,
          )
        }
        this.#hasFailed = true
      }
    }
    this.#saving = null
  }
}

type Kept = Readonly<{changes: readonly PastChange[]; lines: number}>
const pathIn = (stateDir: string | null) => (stateDir === null ? null : join(stateDir, 'changes.jsonl'))
const nothing: Kept = {changes: [], lines: 0}
const textOf = (changes: readonly PastChange[]) =>
  changes.map((change) => `${JSON.stringify(pastToWire(change))}\n`).join('')

async function read(path: string, log: Log): Promise<Kept> {
  try {
    const text = (await readText(path)) ?? ''
    const lines = text.split('\n').filter(Boolean)
    const changes = lines.slice(-keptChanges).flatMap((line) => parsed(line) ?? [])
    // A line that a crash cut off has no line end: the next line must not be appended to it.
    return {changes, lines: text === '' || text.endsWith('\n') ? lines.length : mostLines}
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException
    log.warn(
      {},
      `${path} cannot be read (${code ?? message}): earlier changes are not shown. Let this user read the file.`,
    )
    return nothing
  }
}

function parsed(line: string): PastChange | null {
  try {
    return pastFromWire(JSON.parse(line))
  } catch {
    return null
  }
}
