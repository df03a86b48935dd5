import {readFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {withoutHarepdLines} from '../../src/actuators/guard/harepd-lines.ts'

const rules = {
  databases: ['sameuser'],
  readWrite: ['harw'],
  readOnly: ['haro'],
  addresses: ['10.21.57.65/32', 'fd00::65/128'],
  allow: 'md5',
  deny: 'reject',
}
/** As harepd wrote them: at the end of the file, without a last newline. */
const itsLines = '\nhost    harw    harw    10.21.57.65/32    md5\nhost    haro    haro    10.21.57.65/32    reject'
const recorded = readFileSync(new URL('../fixtures/harepd/hba-after-primary-agreed.conf', import.meta.url), 'latin1')

test("harepd's lines go, and what the administrator wrote keeps its bytes", () => {
  expect(withoutHarepdLines(`${recorded.trimEnd()}${itsLines}`, rules)).toEqual({
    text:
      'local all postgres peer\nhost app app 10.21.57.65/32 scram-sha-256\n' +
      'host all all 10.0.0.0/8 scram-sha-256\n',
    removed: 2,
  })
  const own = 'local all postgres peer\nhost all all 10.0.0.0/8 scram-sha-256 # caf\xe9'
  expect(withoutHarepdLines(`${own}${itsLines}`, rules)).toEqual({text: `${own}\n`, removed: 2})
  expect(withoutHarepdLines(own, rules)).toEqual({text: own, removed: 0})
})

test('behind IPv6, harepd wrote /32', () => {
  const text = 'host  harw  harw  fd00::65/32  md5\r\nhost  harw  harw  fd00::65/128  md5\r\n'
  expect(withoutHarepdLines(text, rules)).toEqual({text: 'host  harw  harw  fd00::65/128  md5\r\n', removed: 1})
})

test.each([
  ['another database', 'host app harw 10.21.57.65/32 md5'],
  ['another user', 'host app app 10.21.57.65/32 md5'],
  ['both users, crossed', 'host harw haro 10.21.57.65/32 md5'],
  ['another address', 'host harw harw 10.21.57.66/32 md5'],
  ['an address that a dot would match', 'host harw harw 10.21.57.65/32 trust\nhost harw harw 10121.57.65/32 md5'],
  ['a network', 'host harw harw 10.21.57.0/24 md5'],
  ['another method', 'host harw harw 10.21.57.65/32 scram-sha-256'],
  ['an option', 'host harw harw 10.21.57.65/32 md5 clientcert=verify-ca'],
  ['a comment behind it', 'host harw harw 10.21.57.65/32 md5 # mine'],
  ['a comment', '# host harw harw 10.21.57.65/32 md5'],
  ['TLS', 'hostssl harw harw 10.21.57.65/32 md5'],
  ['a blank in front', ' host harw harw 10.21.57.65/32 md5'],
])('stays: %s', (_, line) => {
  expect(withoutHarepdLines(`${line}\n`, rules)).toEqual({text: `${line}\n`, removed: 0})
})
