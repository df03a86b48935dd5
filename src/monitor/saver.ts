import type {Clock, Log, MemoryStore, Meter} from '../core/ports.ts'
import {isAlike} from '../core/verdict/alike.ts'
import type {Memory} from '../core/verdict/group-memory.ts'

/** Positions move with every answer of a primary: alone they are written no more often than this. */
const positionsMs = 10_000
/** A failed save is tried again after so many calls of `saveSoon`, which come once a second. */
const retryAfterCalls = 5

/**
 * Writes the memory, one write at a time and always the latest. A memory that cannot be written is
 * logged once per failure, tried again every few seconds, and stops nothing.
 */
export function saver(
  {store, log, meter, clock}: Readonly<{store: MemoryStore; log: Log; meter: Meter; clock: Clock}>,
  loaded: Memory,
): Readonly<{saveSoon(memory: Memory): void; save(memory: Memory): Promise<boolean>}> {
  let wanted = loaded
  let saved = loaded
  /**
   * A memory that could not be written is not tried in a loop: a change, the stop, or enough calls
   * of `saveSoon` try again.
   */
  let failed: Memory | null = null
  let callsLeft = 0
  let savedAt = clock.now()
  let logged = ''
  let writing: Promise<void> | null = null

  const write = async () => {
    while (wanted !== saved && wanted !== failed) {
      const next = wanted
      try {
        await store.save(next)
        saved = next
        savedAt = clock.now()
        failed = null
        meter.saved(true)
        if (logged !== '') log.info({}, 'the state is saved again')
        logged = ''
      } catch (error) {
        failed = next
        callsLeft = retryAfterCalls
        meter.saved(false)
        const why = error instanceof Error ? error.message : String(error)
        if (why !== logged)
          log.error(
            {error: why},
            'the state could not be saved: after a restart, timelines and split brains seen so far are forgotten',
          )
        logged = why
        // An order waits for this attempt, and the next one may take seconds as well.
        break
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
      if (memory !== saved && clock.now() - savedAt < positionsMs && isAlike(memory, saved)) return
      wanted = memory
      if (wanted === failed) {
        callsLeft -= 1
        if (callsLeft <= 0) failed = null
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
