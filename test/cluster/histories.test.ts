import {expect, test} from 'vitest'
import {playSharedHistory} from '../support/shared/history.ts'

/** `HISTORIES=10000 FROM=1000` for a soak; `SEED=123` plays one again. */
const from = Number(process.env.FROM ?? 0)
const count = Number(process.env.HISTORIES ?? 60)
const seed = process.env.SEED

if (seed !== undefined) test(`the history of seed ${seed}`, () => playSharedHistory(Number(seed)))
else
  test(`${count} random histories of three to five instances: no wrong route`, {timeout: 0}, async () => {
    let takeovers = 0
    for (let each = from; each < from + count; each += 1) takeovers += (await playSharedHistory(each)).takeovers
    // The instances did take groups from each other, or nothing was tried.
    expect(takeovers).toBeGreaterThan(count)
  })
