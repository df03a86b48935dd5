import {expect, test} from 'vitest'
import {problems, workplace} from './workplace.ts'

const hosts =
  'hosts: {host1: {host: 127.0.0.1}, host2: {host: 10.0.0.2}, host3: {host: 10.0.0.3}}\nfailover_after: 30s\n'
const neighbours = 'neighbours: [grpc://10.0.0.2:10000, "https://10.0.0.3:8443"]'
const least = `users: {read_write: [app]}, addresses: [10.0.0.0/8], ${neighbours}`

test('every default, and the host on this machine', async () => {
  await using place = await workplace()
  const config = await place.load(`${hosts}guard: {${least}}`)
  expect(config.local).toBe('host1')
  expect(config.warnings).toEqual([])
  expect(config.guard).toMatchObject({
    hbaFile: null,
    rules: {
      databases: ['all'],
      readWrite: ['app'],
      readOnly: [],
      addresses: ['10.0.0.0/8'],
      allow: 'scram-sha-256',
      deny: 'reject',
    },
    intervalMs: 1_000,
    leaseMs: 5_000,
    deadlineMs: 1_000,
    terminate: true,
    allowReadOnly: true,
    quorum: 'majority',
    neighbours: [
      {kind: 'grpc', url: 'grpc://10.0.0.2:10000'},
      {kind: 'pgroute66', url: 'https://10.0.0.3:8443'},
    ],
    witness: null,
    grpc: null,
    fence: 'none',
    onWriteFailure: 'alarm',
    socket: '/run/pgroute66/guard.sock',
  })
})

test('an address without a mask is one host', async () => {
  await using place = await workplace()
  const config = await place.load(
    `${hosts}guard: {users: {read_write: [app]}, addresses: [10.0.0.9, "fd00::1"], ${neighbours}}`,
  )
  expect(config.guard?.rules.addresses).toEqual(['10.0.0.9/32', 'fd00::1/128'])
})

test.each([
  ['a lease below three passes', 'guard.lease', `${least}, lease: 3s`, 'Write 4s or more.'],
  ['a lease that outlives the HA tool', 'guard.lease', `${least}, lease: 30s`, 'Shorten the lease'],
  ['no user', 'guard.users', `addresses: [all], ${neighbours}`, 'read_write'],
  ['every user', 'guard.users.read_write[0]', `users: {read_write: [all]}, addresses: [all], ${neighbours}`, '+role'],
  ['the user of the monitor', 'guard.users', `users: {read_write: [tester]}, addresses: [all], ${neighbours}`, 'Gate'],
  ['a user in both sets', 'guard.users.read_only', `${least.replace('[app]', '[app], read_only: [app]')}`, 'one of'],
  ['a name that would need quotes', 'guard.users.read_write[0]', least.replace('[app]', '["a b"]'), 'Name a user.'],
  ['replication', 'guard.databases[0]', `${least}, databases: [replication]`, 'never gated'],
  ['an address that is none', 'guard.addresses[0]', least.replace('10.0.0.0/8', '10.0.0.0/33'), '10.21.57.65/32'],
  ['an address with a zone', 'guard.addresses[0]', least.replace('10.0.0.0/8', '"fe80::1%eth0"'), '10.21.57.65/32'],
  ['a deny that lets in', 'guard.deny', `${least}, deny: md5`, 'reject'],
  ['an allow that does not', 'guard.allow', `${least}, allow: reject`, 'scram-sha-256'],
  ['a method with a line break', 'guard.allow', `${least}, allow: "md5\\nhost all all all trust"`, 'line'],
  ['a neighbour too few', 'guard.neighbours', least.replace(/, "https.*"/, ''), 'each other host'],
  ['no neighbour', 'guard.neighbours', least.replace(/neighbours.*/, ''), 'each other host'],
  ['a fence that holds a database host', 'guard.addresses[0]', `${least}, fence: nft`, 'alone'],
  ['a fence without addresses', 'guard.addresses[0]', `${least.replace('10.0.0.0/8', 'all')}, fence: nft`, 'masks'],
  ['a socket with a long path', 'guard.socket', `${least}, socket: /run/${'a'.repeat(120)}`, 'shorter'],
  ['TLS without a key', 'guard.grpc.tls.key', `${least}, grpc: {tls: {cert_file: a.crt}}`, 'key_file'],
])('refused: %s', async (_, path, guard, next) => {
  await using place = await workplace()
  const found = await problems(place.load(`${hosts}guard: {${guard}}`))
  expect(found).toEqual([expect.objectContaining({path, next: expect.stringContaining(next)})])
})

test("a host in two groups, and harepd's quorum", async () => {
  await using place = await workplace()
  const groups = 'groups: {a: [host1, host2, host3], b: [host1, host2]}\n'
  expect(await problems(place.load(`${hosts}${groups}guard: {${least}}`))).toEqual([
    expect.objectContaining({path: 'guard', message: expect.stringContaining('2 groups have the local host host1')}),
  ])
  const config = await place.load(`${hosts}guard: {${least}, quorum: any}`)
  expect(config.warnings).toEqual([expect.objectContaining({path: 'guard.quorum'})])
})

test('the shortest failover_after of all groups counts', async () => {
  await using place = await workplace()
  const groups = 'groups: {a: {hosts: [host1, host2, host3], failover_after: 6s}}\n'
  expect(await problems(place.load(`${hosts}${groups}guard: {${least}, lease: 7s}`))).toMatchObject([
    {path: 'guard.lease', message: expect.stringContaining('after 6s')},
  ])
  await place.load(`${hosts}${groups}guard: {${least}}`)
})

test("failover_after matters to harepd's quorum: by a majority, guards wait for each other", async () => {
  await using place = await workplace()
  const text = `${hosts.replace('failover_after: 30s\n', '')}guard: {${least}}`
  expect((await place.load(text)).warnings).toEqual([])
  const any = await place.load(text.replace('guard: {', 'guard: {quorum: any, '))
  expect(any.warnings.map(({path}) => path)).toEqual(['guard.lease', 'guard.quorum'])
})
