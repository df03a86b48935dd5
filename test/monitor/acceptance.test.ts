import {expect, test} from 'vitest'
import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {nothingRemembered, untold} from '../../src/core/verdict/group-memory.ts'
import {acceptOrder} from '../../src/monitor/acceptance.ts'
import {Board} from '../../src/monitor/board.ts'
import {OURS, primary, standby} from '../support/records.ts'
import {groupSettings, monitorSettings} from '../support/settings.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

const mute = {session: {systemIdentifier: null}}

function accepted(hosts: readonly HostRecord[], systemIdentifier: string | null = null) {
  const clock = new VirtualClock()
  const names = hosts.map(({settings}) => settings.name)
  const board = new Board({
    settings: monitorSettings(
      hosts.map(({settings}) => settings),
      {groups: [groupSettings('all', names, {systemIdentifier})]},
    ),
    ...{clock, sourcesOf: () => ({}), memory: nothingRemembered, log: {error: () => {}}, epoch: 'e', version: 'test'},
  })
  for (const {settings, observation} of hosts)
    board.update(settings.name, (record) => ({
      ...record,
      observation: observation && {...observation, askedAt: clock.now()},
    }))
  return acceptOrder('a', board)
}

test('a host that does not tell its cluster is not accepted while the others disagree', () => {
  const torn = [primary('a', mute), standby('b'), standby('c', {cluster: '1'})]
  expect(() => accepted(torn)).toThrow(expect.objectContaining({code: 'IDENTITY_UNKNOWN'}))
  expect(accepted(torn, OURS).done).toContain('of cluster unknown')
})

test('it is accepted where none contradicts, and the cluster stays unknown', () => {
  const {memory, done} = accepted([primary('a', mute), standby('b', mute), standby('c', {timeline: 2, ...mute})])
  expect(done).toBe('a is the primary, on timeline 1 of cluster unknown')
  expect(memory.groups.all).toMatchObject({
    ...{systemIdentifier: null, wrote: [], voids: []},
    unproven: {[untold]: {voids: [{timeline: 2, host: null, for: 'a'}]}},
  })
})
