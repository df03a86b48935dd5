import {expect, test} from 'vitest'
import type {Memory} from '../../src/core/verdict/group-memory.ts'
import {saver} from '../../src/monitor/saver.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

test('full disk: logged once, the save is tried again by itself, and an order says that it was not kept', async () => {
  const [before, after, later] = [{groups: {}}, {groups: {a: {}}}, {groups: {b: {}}}] as unknown as [
    Memory,
    Memory,
    Memory,
  ]
  const written: Memory[] = []
  const said: string[] = []
  const disk = {isFull: true}
  const log = {
    debug() {},
    warn() {},
    info: (_: object, text: string) => void said.push(text),
    error: (_: object, text: string) => void said.push(text),
  }
  const save = async (memory: Memory) => {
    if (disk.isFull) throw new Error('ENOSPC')
    written.push(memory)
  }
  const outcomes: boolean[] = []
  const meter = {
    connectionOpened() {},
    probed() {},
    failed() {},
    alarmed() {},
    saved: (isSuccessful: boolean) => void outcomes.push(isSuccessful),
  }
  const saving = saver({store: {load: async () => before, save}, log, meter, clock: new VirtualClock()}, before)
  const rounds = async (count: number, memory: Memory) => {
    for (let round = 0; round < count; round += 1) {
      saving.saveSoon(memory)
      await new Promise(setImmediate)
    }
  }
  expect(await saving.save(after)).toBe(false)
  await rounds(20, after)
  expect(said).toEqual([expect.stringContaining('could not be saved')])
  expect(new Set(outcomes)).toEqual(new Set([false]))
  disk.isFull = false
  await rounds(6, after)
  expect([written, said[1], outcomes.at(-1)]).toEqual([[after], 'the state is saved again', true])
  expect(await saving.save(later)).toBe(true)
})
