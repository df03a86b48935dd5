import {expect, test} from 'vitest'
import {type SourceKind, sourcesOf} from '../../src/core/evidence/wanted-source.ts'
import {FakeEvidence} from '../support/fake-evidence.ts'
import {groupSettings, hostSettings, monitorSettings} from '../support/settings.ts'

/** A source for each group with a confirmation, made anew where that changes. */
const kind: SourceKind = ({groups}) =>
  groups.flatMap(({name, confirm}) =>
    confirm.length === 0
      ? []
      : [{key: JSON.stringify([name, confirm]), groups: [name], make: () => new FakeEvidence(`of ${name}`)}],
  )

const settings = (...confirm: string[]) =>
  monitorSettings(
    ['host1', 'host2'].map((name) => hostSettings(name)),
    {groups: [groupSettings('one', ['host1'], {confirm}), groupSettings('two', ['host2'], {confirm: ['x']})]},
  )

test('a reload keeps the source whose key stays, makes the others, and lets go of what is gone', () => {
  const sources = sourcesOf([kind])
  const [first, second] = sources(settings('x'))
  expect([first?.groups, second?.groups]).toEqual([['one'], ['two']])
  const [changed, kept] = sources(settings('y'))
  expect(changed?.source).not.toBe(first?.source)
  expect(kept?.source).toBe(second?.source)
  expect(sources(settings())).toEqual([second])
  const [again] = sources(settings('y'))
  expect(again?.source).not.toBe(changed?.source)
})
