import {expect, test} from 'vitest'
import {logChanges} from '../../src/app/serve/change-log.ts'
import type {Change} from '../../src/core/snapshot.ts'
import {situations} from '../../src/core/verdict/situation.ts'
import {snapshot} from '../support/snapshots.ts'

/** How the daemon logs this change: the level and the fields. */
function logged(change: Partial<Change>): readonly [level: string, fields: object] {
  const lines: (readonly [string, object])[] = []
  const at = (level: string) => (fields: object) => void lines.push([level, fields])
  const log = {debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), fatal: at('fatal')}
  const whole: Change = {
    kind: 'verdict',
    group: 'all',
    host: null,
    from: null,
    to: null,
    rule: null,
    why: '',
    ...change,
  }
  logChanges(log)({changes: [whole], snapshot: snapshot({hosts: {}})})
  return lines[0] ?? ['nothing', {}]
}

test.each(situations)('a verdict is logged with its situation: %s', (situation) => {
  expect(logged({to: 'unconfirmed', situation})[1]).toEqual({
    kind: 'verdict',
    group: 'all',
    to: 'unconfirmed',
    situation,
  })
})

test('a primary is a warning where something is wrong all the same', () => {
  expect(logged({to: 'primary', situation: 'healthy'})[0]).toBe('info')
  expect(logged({to: 'primary', situation: 'lossy-promotion'})[0]).toBe('warn')
  expect(logged({to: 'primary', situation: 'primary-drained'})[0]).toBe('warn')
  expect(logged({to: 'no-primary', situation: 'no-primary'})[0]).toBe('error')
})

test('what is no verdict has no situation', () => {
  expect(logged({kind: 'role', host: 'host1', to: 'standby'})[1]).not.toHaveProperty('situation')
})

test('each change of a router is told once: by its loop; the log has its first state and the end of a switch', () => {
  const actuator = (from: string, to: string, more: Partial<Change> = {}) =>
    logged({kind: 'actuator', group: null, from, to, ...more})[0]
  expect(actuator('pending', 'in-sync')).toBe('info')
  expect(actuator('in-sync', 'out-of-sync')).toBe('debug')
  expect(actuator('out-of-sync', 'in-sync')).toBe('debug')
  expect(actuator('active', 'frozen')).toBe('debug')
  expect(actuator('frozen', 'active')).toBe('info')
  expect(logged({kind: 'drain', host: 'host1', from: 'in rotation', to: 'drained'})[0]).toBe('debug')
  expect(actuator('no-primary', 'applied', {stages: {judged: 1}})).toBe('info')
})

test('in a set, a drain and a maintenance may come from an order that another instance logs', () => {
  const told: string[] = []
  const at = (level: string) => (_: object, message: string) => void told.push(`${level} ${message}`)
  const log = {debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error')}
  const general = {group: null, rule: null}
  const changes: Change[] = [
    {...general, kind: 'drain', host: 'host1', from: 'in rotation', to: 'drained', why: 'drained by anna'},
    {...general, kind: 'actuator', host: null, from: 'active', to: 'frozen', why: 'maintenance by anna'},
    {...general, kind: 'actuator', host: null, from: 'in-sync', to: 'frozen', why: 'haproxy: maintenance'},
  ]
  logChanges(log, true)({changes, snapshot: snapshot({hosts: {}})})
  expect(told).toEqual([
    'info host1: in rotation → drained: drained by anna',
    'info maintenance by anna',
    'debug haproxy: maintenance',
  ])
})

test('a host that was not asked yet was not unavailable', () => {
  const told: string[] = []
  const note = (_: object, message: string) => void told.push(message)
  const log = {debug: note, info: note, warn: note, error: note}
  const tell = logChanges(log)
  const role = (from: string, to: string): Change => ({
    ...{kind: 'role', group: null, host: 'host1', from, to, rule: null},
    why: 'it answers',
  })
  const shown = snapshot({hosts: {}})
  tell({changes: [role('unavailable', 'standby')], snapshot: shown})
  tell({changes: [role('standby', 'unavailable')], snapshot: shown})
  tell({changes: [role('unavailable', 'standby')], snapshot: shown})
  expect(told).toEqual([
    'host1: not asked yet → standby: it answers',
    'host1: standby → unavailable: it answers',
    'host1: unavailable → standby: it answers',
  ])
})
