import type {Log, Memory, MemoryStore} from '../core/ports.ts'

/** Writes the memory, one at a time and always the latest. A memory that cannot be kept is said once per failure and stops nothing. */
export function saver(
  store: MemoryStore,
  log: Log,
  loaded: Memory,
): Readonly<{saveSoon(memory: Memory): void; save(memory: Memory): Promise<void>}> {
  let wanted = loaded
  let saved = loaded
  /** What could not be written is not tried in a loop: the next change, or the stop, tries again. */
  let failed: Memory | null = null
  let writing: Promise<void> | null = null

  const write = async () => {
    while (wanted !== saved && wanted !== failed) {
      const next = wanted
      try {
        await store.save(next)
        saved = next
        failed = null
      } catch (error) {
        failed = next
        log.error(
          {error: error instanceof Error ? error.message : String(error)},
          'the state could not be saved: after a restart, timelines and split brains seen so far are forgotten',
        )
      }
    }
    writing = null
  }
  const start = () => {
    if (wanted === saved || wanted === failed) return
    writing ??= write()
  }
  return {
    saveSoon(memory) {
      wanted = memory
      start()
    },
    async save(memory) {
      wanted = memory
      await writing
      failed = null
      start()
      await writing
    },
  }
}
