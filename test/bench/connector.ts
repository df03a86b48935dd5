import {startSite} from './connector/site.ts'
import {underFaults} from './connector/under-faults.ts'
import type {Options, Row} from './table.ts'

/**
 * 200 callers read and write by three ways, while servers are killed, frozen, restarted and
 * replaced, and what lies between is taken away: each of twelve faults in turn, for --minutes (5)
 * and at least once.
 */
export async function run({minutes, short}: Options): Promise<readonly Row[]> {
  await using site = await startSite()
  return underFaults(site, {readers: 156, writers: 44, pauseMs: 200, forMs: (short ? 0 : (minutes ?? 5)) * 60_000})
}
