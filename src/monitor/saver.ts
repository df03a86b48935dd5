import type {Log, Memory, MemoryStore} from '../core/ports.ts'

/** Writes the memory, one at a time and always the latest. A memory that cannot be kept is said once per failure and stops nothing. */
export function saver(
  store: MemoryStore,
  log: Log,
  loaded: Memory,
): Readonly<{saveSoon(memory: Memory): void; save(memory: Memory): Promise<void>}> {
  let saved = loaded
  let wanted = loaded
  let writing: Promise<void> | null = null
  const write = async () => {
    while (wanted !== saved) {
      const next = wanted
      await store.save(next)
      saved = next
    }
  }
  const save = async (memory: Memory) => {
    wanted = memory
    if (wanted === saved) return
    writing ??= write().finally(() => {
      writing = null
    })
    await writing
  }
  const failed = (error: unknown) => {
    // What could not be written is not tried in a loop: the next change, or the stop, tries again.
    saved = wanted
    log.error(
      {error: error instanceof Error ? error.message : String(error)},
      'the state could not be saved: after a restart, timelines and split brains seen so far are forgotten',
    )
  }
  return {
    saveSoon: (memory) => void save(memory).catch(failed),
    save: (memory) => save(memory).catch(failed),
  }
}
