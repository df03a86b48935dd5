import {expect, test} from 'vitest'
import {configOfHarepd, type HarepdUse, ownDatabase} from '../../src/config/harepd/harepd-config.ts'
import {harepdOf} from '../../src/config/harepd/read-harepd.ts'
import {selfSigned} from '../api/certificates.ts'
import {complaint, workplace} from './workplace.ts'

const tlsOf = ({cert, key}: {cert: string; key: string}) => `{enabled: true, ca: ${cert}, cert: ${cert}, key: ${key}}`
const text = (pair: {cert: string; key: string} | null = null) => `harepd:
  nodeName: node-1
  primaryIP: 10.21.57.61
  allowRO: true
  hbaConfig: /etc/postgresql/15/main/pg_hba.conf
  haproxy: {server: [10.21.57.65, "fd00::65"], users: {readOnly: haro, readWrite: harw}}
  authModes: {allow: md5, deny: reject}
  repmgr: {user: repmgr, db: repmgr}
  gRPC:
    tls: ${pair === null ? '{enabled: false}' : tlsOf(pair)}
    bindPort: 10000
    bindAddress: 10.21.57.61
    serverHostOverride: ${pair === null ? '""' : 'harepd.example'}
    neighbours: ["10.21.57.62:10000", "10.21.57.64:10000"]
    witness: "10.21.57.63:10000"
    connectionDeadline: 2
  watchDog: 15
`
const nodes = [
  {name: 'node_1', type: 'primary', conninfo: 'host=10.21.57.61 user=repmgr dbname=repmgr password=s3cret port=5433'},
  {name: 'node_2', type: 'standby', conninfo: 'host=node2.example user=repmgr dbname=repmgr connect_timeout=2'},
  {name: 'node_3', type: 'standby', conninfo: 'host=10.21.57.64 user=repmgr dbname=repmgr'},
  {name: 'w', type: 'witness', conninfo: 'host=10.21.57.63 user=repmgr dbname=repmgr'},
]
const guarding: HarepdUse = {quorum: 'majority', isServer: false, socket: '/tmp/guard.sock'}
const env = {HOME: '/nonexistent', PGUSER: 'postgres'}
const read = (yaml: string) => harepdOf({path: '/etc/harepd/conf.yml', text: yaml})
const configOf = async (yaml: string, use = guarding, rows = nodes) => configOfHarepd(await read(yaml), rows, use, env)

test('the hosts are those of repmgr.nodes, each by its own conninfo, and the guard is that of the file', async () => {
  const {hosts, local, guard, groups, probe} = await configOf(text())
  expect(hosts.map(({name, connection: {host, port, user, dbname}}) => [name, host, port, user, dbname])).toEqual([
    ['node_1', '10.21.57.61', 5433, 'repmgr', 'repmgr'],
    ['node_2', 'node2.example', 5432, 'repmgr', 'repmgr'],
    ['node_3', '10.21.57.64', 5432, 'repmgr', 'repmgr'],
  ])
  expect(hosts[0]?.connection.password).toEqual({from: 'config', text: 's3cret'})
  expect([local, groups.map(({name}) => name)]).toEqual(['node_1', ['all']])
  expect(guard).toMatchObject({
    hbaFile: '/etc/postgresql/15/main/pg_hba.conf',
    rules: {
      databases: ['sameuser'],
      readWrite: ['harw'],
      readOnly: ['haro'],
      addresses: ['10.21.57.65/32', 'fd00::65/128'],
      allow: 'md5',
      deny: 'reject',
    },
    intervalMs: 1_000,
    deadlineMs: 2_000,
    leaseMs: 6_000,
    quorum: 'majority',
    allowReadOnly: true,
    neighbours: [{kind: 'grpc', url: 'grpc://10.21.57.62:10000'}, {url: 'grpc://10.21.57.64:10000'}],
    witness: {kind: 'grpc', url: 'grpc://10.21.57.63:10000', caFile: null},
    grpc: {bind: '10.21.57.61', port: 10_000, tls: null},
  })
  expect(probe).toMatchObject({intervalMs: 1_000, timeoutMs: 2_000, maxAgeMs: 6_000})
})

test('with TLS, neighbours are believed by ca, under the name of serverHostOverride', async () => {
  await using place = await workplace()
  const pair = selfSigned(place.directory, 'node')
  const {guard} = await configOf(text(pair))
  expect(guard?.neighbours).toMatchObject([{caFile: pair.cert, serverName: 'harepd.example'}, {caFile: pair.cert}])
  expect(guard?.grpc?.tls).toEqual({cert: {file: pair.cert}, key: {file: pair.key}, clientCa: null})
})

test('on the witness the call alone is answered: no gate, and no local host', async () => {
  const {guard, grpc, local, hosts} = await configOf(text().replace('node-1', 'w'), {
    quorum: 'majority',
    isServer: true,
    socket: '/tmp/guard.sock',
  })
  expect([guard, local, hosts.length, grpc?.port]).toEqual([null, null, 3, 10_000])
})

test.each([
  ['a node that repmgr does not know', text().replace('node-1', 'node-9'), nodes, /nodeName is node-9.*node_1, node_2/],
  ['another address', text().replace('10.21.57.61\n', '10.21.57.69\n'), nodes, /primaryIP is 10.21.57.69.*10.21.57.61/],
  ['no row', text(), [], /no row of a data node/],
  [
    'a conninfo that is none',
    text(),
    [{name: 'node_1', type: 'primary', conninfo: 'host=1 s3cret'}],
    /conninfo of node_1/,
  ],
  ['fewer neighbours than nodes', text().replace(', "10.21.57.64:10000"', ''), nodes, /guard.neighbours names 1/],
])('refused: %s', async (_, yaml, rows, message) => {
  const {message: said} = await complaint(configOf(yaml, guarding, rows))
  expect(said).toMatch(message)
  expect(said).not.toContain('s3cret')
})

test('quorum any takes fewer neighbours, and is warned of', async () => {
  const {guard, warnings} = await configOf(text().replace(', "10.21.57.64:10000"', ''), {
    quorum: 'any',
    isServer: false,
    socket: '/tmp/guard.sock',
  })
  expect(guard?.quorum).toBe('any')
  expect(warnings.map(({path}) => path)).toContain('guard.quorum')
})

test('the own database is that of the environment, else on the socket of Debian', async () => {
  const at = async (more: object) => {
    const {host, port, user, dbname, sslmode} = await ownDatabase(await read(text()), {...env, ...more})
    return [host, port, user, dbname, sslmode]
  }
  expect(await at({})).toEqual(['/var/run/postgresql', 5432, 'postgres', 'repmgr', 'disable'])
  expect(await at({PGHOST: '/tmp', PGPORT: '5433', PGUSER: 'me'})).toEqual(['/tmp', 5433, 'me', 'repmgr', 'disable'])
})
