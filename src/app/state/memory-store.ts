import {join} from 'node:path'
import {OperatorError} from '../../core/errors.ts'
import type {MemoryStore} from '../../core/ports.ts'
import {type Memory, nothingRemembered} from '../../core/verdict/group-memory.ts'
import {memoryText, NewerSchemaError, readMemory, schema, schemaOf} from '../../protocol/memory-json.ts'
import {readText, replaceText} from '../../system/durable-file.ts'

/**
 * The memory that survives a restart, in one file under `state_dir`: who wrote on which
 * timeline, the rivals of a split brain, drains. `serve` writes the file, and any number of checks read
 * it meanwhile. Without a `state_dir` the memory lasts as long as the process.
 */
export function memoryStore(stateDir: string | null): MemoryStore {
  return stateDir === null ? forgetful() : fileStore(join(stateDir, 'memory.json'))
}

/** For `check` and `watch`, while `serve` writes: loads the memory and saves nothing. */
export function readOnlyStore(stateDir: string | null): MemoryStore {
  const {load} = memoryStore(stateDir)
  return {load, save: async () => {}}
}

function forgetful(): MemoryStore {
  let kept = nothingRemembered
  return {
    load: async () => kept,
    save: async (memory) => {
      kept = memory
    },
  }
}

function fileStore(path: string): MemoryStore {
  let saving: Promise<void> = Promise.resolve()
  let kept: Promise<void> | null = null
  return {
    load: () => load(path),
    // One save after the other: on a slow disk an older memory must not overtake a newer one. A
    // failure goes to its caller, and the next save tries again.
    save(memory) {
      kept ??= keepEarlier(path)
      const saved = Promise.all([saving, kept]).then(() => replaceText(path, memoryText(memory)))
      saving = saved.catch(() => {})
      return saved.catch((error: NodeJS.ErrnoException) => {
        const next = 'Give this user a state_dir that it may write to, with space left.'
        throw new OperatorError('STATE_NOT_SAVED', `${path} cannot be written (${error.code ?? error.message})`, next, {
          cause: error,
        })
      })
    },
  }
}

/**
 * An unreadable memory is an error, never an empty memory: with an empty one, an old primary that
 * comes back would be confirmed.
 */
async function load(path: string): Promise<Memory> {
  let text: string | null
  try {
    text = await readText(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const next = 'Give this user the right to read the file, or name another state_dir.'
    throw new OperatorError('STATE_UNREADABLE', `${path} cannot be read (${code})`, next, {cause: error})
  }
  if (text === null) return nothingRemembered
  try {
    return readMemory(text)
  } catch (error) {
    if (error instanceof NewerSchemaError)
      throw new OperatorError(
        'STATE_NEWER',
        `${path} was written by a later version of pgroute66 (${error.message})`,
        `Install that version, or move the file away and start with ${path}.${schema}, renamed.`,
        {cause: error},
      )
    const next =
      'Make sure which host is the primary, then move the file away. ' +
      'The file remembers the highest timeline, split brains and drains.'
    throw new OperatorError('STATE_CORRUPT', `${path} does not hold what pgroute66 wrote`, next, {cause: error})
  }
}

/**
 * The last file of an earlier version stays beside the new one, as `memory.json.1`, for a way back.
 * A file that cannot be read stops `load`, and is no hindrance here.
 */
async function keepEarlier(path: string): Promise<void> {
  const text = await readText(path).catch(() => null)
  const version = text === null ? schema : versionOf(text)
  if (text !== null && version < schema) await replaceText(`${path}.${version}`, text)
}

function versionOf(text: string): number {
  try {
    return schemaOf(text)
  } catch {
    return schema
  }
}
