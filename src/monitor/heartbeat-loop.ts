import type {HostRecord} from '../core/facts/host-record.ts'
import type {Clock, HostDriver, Random} from '../core/ports.ts'
import type {AvailabilitySettings} from '../core/settings.ts'
import {sleep} from '../core/wait.ts'
import type {HeartbeatTask} from './probe-policy.ts'

export type HeartbeatDeps = Readonly<{
  availability: AvailabilitySettings
  driver: HostDriver
  clock: Clock
  random: Random
  update: (change: (record: HostRecord) => HostRecord) => void
  task: () => HeartbeatTask
}>

/**
 * One heartbeat per interval (DESIGN 5): frozen storage answers reads from memory, so only a commit
 * proves that a primary works. A lock timeout is silence, not a hang. Ends with `signal`.
 */
export async function heartbeatLoop(
  {availability, driver, clock, random, update, task}: HeartbeatDeps,
  signal: AbortSignal,
): Promise<void> {
  await sleep(clock, availability.intervalMs * random(), signal)
  while (!signal.aborted) {
    const wanted = task()
    if (wanted !== null) {
      const askedAt = clock.now()
      const answer = await driver.heartbeat({primary: wanted === 'write'}, signal)
      if (signal.aborted) return
      update((record) => {
        const isUsable = answer.kind === 'beat' || answer.kind === 'read'
        // The last good heartbeat stays: its age tells how long no write has been seen to work.
        const wasUsable = record.heartbeat?.kind === 'beat' || record.heartbeat?.kind === 'read'
        const heartbeat = isUsable || !wasUsable ? {...answer, askedAt} : record.heartbeat
        const isHung = wanted === 'write' && answer.kind === 'failure' && answer.cause === 'hung'
        return {
          ...record,
          heartbeat,
          frozen: isHung ? {cause: 'hung', detail: answer.detail} : answer.kind === 'beat' ? null : record.frozen,
        }
      })
    }
    await sleep(clock, availability.intervalMs, signal)
  }
}
