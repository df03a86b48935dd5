import {expect, test} from 'vitest'
import {unknownName} from '../../src/core/unknown-name.ts'

type Row = Readonly<{given: string; asked: Parameters<typeof unknownName>; message: string; next: string}>

const many = Array.from({length: 12}, (_, index) => `host${index + 1}`)

test.each<Row>([
  {
    given: 'a host',
    asked: ['host', 'host9', ['host1', 'host2']],
    message: 'there is no host "host9"',
    next: 'Did you mean "host1"? Hosts: host1, host2.',
  },
  {
    given: 'a group, and there is none',
    asked: ['group', 'a', []],
    message: 'there is no group "a"',
    next: 'Groups: none.',
  },
  {
    given: 'more names than an answer lists',
    asked: ['host', 'x', many],
    message: 'there is no host "x"',
    next: `Hosts: ${many.slice(0, 10).join(', ')} ….`,
  },
  {
    given: 'a name that is nearly known',
    asked: ['host', 'hots1', ['host2', 'host1']],
    message: 'there is no host "hots1"',
    next: 'Did you mean "host1"? Hosts: host2, host1.',
  },
  {
    given: 'a host of another group',
    asked: ['host', 'db-a', ['host2'], {where: ' in orders'}],
    message: 'there is no host "db-a" in orders',
    next: 'Hosts: host2.',
  },
  {
    given: 'a name from outside with a control character, and too long',
    asked: ['host', `a\u001b${'b'.repeat(99)}`, []],
    message: `there is no host "a\\u001b${'b'.repeat(61)}"`,
    next: 'Hosts: none.',
  },
])('an unknown name: $given', ({asked, message, next}) => {
  const code = asked[0] === 'host' ? 'UNKNOWN_HOST' : 'UNKNOWN_GROUP'
  expect(unknownName(...asked)).toEqual({code, message, next})
})
