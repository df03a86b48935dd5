import {expect, test} from 'vitest'
import {configHash, sharedPart} from '../../src/app/serve/config-hash.ts'
import {fromFile} from '../../src/config/load.ts'

const text = `hosts:
  host1: {host: 10.0.0.1, user: p, dbname: postgres, password: b25l}
  host2: {host: 10.0.0.2, user: p, dbname: postgres, password: b25l}
cluster: {set: prod, id: lb1, url: "https://lb1:8443", etcd: {endpoints: [http://10.0.0.10:2379]}}
`
const load = (changed: string) =>
  fromFile({path: '/etc/pgroute66/config.yaml', text: changed, mode: 0o600, uid: 0} as never, {})

test.each([
  ['a password', text.replaceAll('b25l', 'dHdv'), {isShared: false, isReloaded: false}],
  ['a user', text.replaceAll('user: p', 'user: q'), {isShared: false, isReloaded: false}],
  ['the address of a host', text.replace('10.0.0.2', '10.0.0.3'), {isShared: true, isReloaded: false}],
  ['the log', `${text}loglevel: debug\n`, {isShared: false, isReloaded: true}],
])('%s', async (_, changed, {isShared, isReloaded}) => {
  const [before, after] = [await load(text), await load(changed)]
  expect(configHash(before) !== configHash(after)).toBe(isShared)
  expect(sharedPart(before) === sharedPart(after)).toBe(isReloaded)
})
