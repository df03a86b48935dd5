import {expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import type {GroupSettings} from '../../src/core/settings.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {Board} from '../../src/monitor/board.ts'
import {primary, standby} from '../support/records.ts'
import {groupSettings, monitorSettings} from '../support/settings.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

/** A board over hosts a and b, and what it logged. */
function boarded(groups: readonly GroupSettings[] = [groupSettings('all', ['a', 'b'])]) {
  const clock = new VirtualClock()
  const logged: string[] = []
  const records = [primary('a'), standby('b', {of: 'a'})]
  const board = new Board({
    settings: monitorSettings(
      records.map(({settings}) => settings),
      {groups},
    ),
    clock,
    sourcesOf: () => ({}),
    memory: nothingRemembered,
    log: {error: (_, message) => void logged.push(message)},
    epoch: 'e',
    version: 'test',
  })
  const answer = (record: HostRecord) =>
    board.update(record.settings.name, (before) => ({
      ...before,
      observation: record.observation && {...record.observation, askedAt: clock.now()},
    }))
  return {board, clock, logged, answer}
}

test('a listener that throws keeps no other listener from hearing, and is logged as a bug', () => {
  const {board, answer, logged} = boarded()
  const heard: string[] = []
  board.subscribe(() => {
    throw new Error('from a listener')
  })
  board.subscribe(({snapshot}) => void heard.push(snapshot.groups.all?.verdict.rule ?? ''))
  answer(primary('a'))
  answer(standby('b', {of: 'a'}))
  expect(heard.at(-1)).toBe('V4')
  expect(logged).toHaveLength(heard.length)
  expect(logged[0]).toContain('a listener failed on a snapshot')
})

test('P1: a publication made while another one is told reaches every listener after it', () => {
  const {board, answer} = boarded()
  const heard: number[] = []
  let isReported = false
  board.subscribe(() => {
    if (isReported) return
    isReported = true
    board.reportActuator('haproxy', {status: 'pending', problems: [], since: 0, verifiedAt: null})
    board.reportActuator('haproxy', {status: 'in-sync', problems: [], since: 0, verifiedAt: 0})
  })
  board.subscribe(({snapshot}) => void heard.push(snapshot.sequence))
  answer(primary('a'))
  expect(heard.length).toBe(2)
  expect(heard).toEqual([...heard].sort((one, other) => one - other))
})

test('S7: an answer to a question from before a jump of the clock is void, also when it comes afterwards', async () => {
  const {board, clock, answer} = boarded()
  answer(primary('a'))
  answer(standby('b', {of: 'a'}))
  answer(primary('a'))
  expect(board.current().groups.all?.verdict.rule).toBe('V4')
  const askedAt = clock.now()
  await clock.run(100)
  clock.jumpWall(3_600_000)
  for (const record of [primary('a'), standby('b', {of: 'a'})])
    board.update(record.settings.name, (before) => ({
      ...before,
      observation: record.observation && {...record.observation, askedAt},
    }))
  expect(board.current().groups.all?.verdict).toMatchObject({rule: 'V0', routedTo: null})
})

test('S18: a snapshot that contradicts itself is told to no one', () => {
  // A group that names a host which the configuration does not have: refused by config/, a bug here.
  expect(() => {
    const {board, answer} = boarded([groupSettings('all', ['a', 'ghost'])])
    board.subscribe(() => expect.unreachable())
    answer(primary('a'))
  }).toThrow(/S18/)
})
