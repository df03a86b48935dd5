import {test} from 'vitest'
import {playHistory} from '../support/history.ts'

/** `HISTORIES=100000 FROM=10000` for a soak; `SEED=123` plays one again. */
const from = Number(process.env.FROM ?? 0)
const count = Number(process.env.HISTORIES ?? 10_000)
const seed = process.env.SEED

if (seed !== undefined) test(`the history of seed ${seed}`, () => playHistory(Number(seed)))
else
  test(`${count} random histories keep every invariant`, {timeout: 0}, async () => {
    for (let each = from; each < from + count; each += 1) await playHistory(each)
  })
