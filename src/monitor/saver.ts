import type {Log, MemoryStore, Meter} from '../core/ports.ts'
import type {Memory} from '../core/verdict/group-memory.ts'

/** So many of `saveSoon`, which comes about once a second. */
const rounds = 5

/**
 * Writes the memory, one at a time and always the latest. A memory that cannot be kept is said
 * once, tried again every few rounds, and stops nothing.
 */
export function saver(
  store: MemoryStore,
  log: Log,
  meter: Meter,
  loaded: Memory,
): Readonly<{saveSoon(memory: Memory): void; save(memory: Memory): Promise<boolean>}> {
  let wanted = loaded
  let saved = loaded
  /**
   * What could not be written is not tried in a loop: a change, the stop or patience tries again.
   */
  let failed: Memory | null = null
  let patience = 0
  let said = ''
  let writing: Promise<void> | null = null

  const write = async () => {
    while (wanted !== saved && wanted !== failed) {
      const next = wanted
      try {
        await store.save(next)
        saved = next
        failed = null
        meter.saved(true)
        if (said !== '') log.info({}, 'the state is saved again')
        said = ''
      } catch (error) {
        failed = next
        patience = rounds
        meter.saved(false)
        const why = error instanceof Error ? error.message : String(error)
        if (why !== said)
          log.error(
            {error: why},
            'the state could not be saved: after a restart, timelines and split brains seen so far are forgotten',
          )
        said = why
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
      if (wanted === failed) {
        patience -= 1
        if (patience <= 0) failed = null
      }
      start()
    },
    /** `false`: it could not be written. */
    async save(memory) {
      wanted = memory
      await writing
      failed = null
      start()
      await writing
      return saved === wanted
    },
  }
}
