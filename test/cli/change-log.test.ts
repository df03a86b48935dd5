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
