import {readFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {meaningOf, paceOf} from '../../src/config/harepd/meaning.ts'
import {harepdOf, readHarepd} from '../../src/config/harepd/read-harepd.ts'
import {complaint, problems, workplace} from './workplace.ts'

const fixture = (name: string) => readFileSync(new URL(`../fixtures/harepd/${name}.yml`, import.meta.url), 'utf8')
const read = (text: string) => harepdOf({path: '/etc/harepd/conf.yml', text})

/** One that harepd runs with as it is: TLS where harepd looks for it. */
const whole = `harepd:
  nodeName: node_1
  primaryIP: 10.21.57.61
  allowRO: yes
  hbaConfig: /etc/postgresql/15/main/pg_hba.conf
  haproxy: {server: [10.21.57.65, 10.21.57.66], users: {readOnly: haro, readWrite: harw}}
  authModes: {allow: scram-sha-256, deny: reject}
  repmgr: {user: repmgr, db: repmgr}
  gRPC:
    tls: {enabled: true, ca: ca.pem, cert: /etc/harepd/cert.pem, key: /etc/harepd/key.pem}
    bindPort: 10000
    bindAddress: 10.21.57.61
    serverHostOverride: harepd.example
    neighbours: ["10.21.57.62:10000", "10.21.57.64:10000"]
    witness: "10.21.57.63:10000"
    connectionDeadline: 5
  watchDog: 15
  logs: {filePath: /var/log/harepd.log, maxAge: 86400, rotationTime: 604800}
`

test("harepd's keys are read as harepd reads them", async () => {
  const {file, warnings} = await read(whole)
  expect(file).toEqual({
    nodeName: 'node_1',
    primaryIp: '10.21.57.61',
    hbaFile: '/etc/postgresql/15/main/pg_hba.conf',
    servers: ['10.21.57.65', '10.21.57.66'],
    readWrite: 'harw',
    readOnly: 'haro',
    allow: 'scram-sha-256',
    deny: 'reject',
    database: 'repmgr',
    bind: '10.21.57.61',
    port: 10_000,
    neighbours: ['10.21.57.62:10000', '10.21.57.64:10000'],
    witness: '10.21.57.63:10000',
    serverName: 'harepd.example',
    tls: {caFile: '/etc/harepd/ca.pem', certFile: '/etc/harepd/cert.pem', keyFile: '/etc/harepd/key.pem'},
    deadlineMs: 5_000,
    watchDogMs: 15_000,
    logFile: '/var/log/harepd.log',
  })
  expect(warnings).toEqual([])
})

test.each(['primary-agreed', 'standby-agreed'])('the recorded file %s is read, and is in the clear', async (name) => {
  const {file, warnings} = await read(fixture(name))
  expect(file).toMatchObject({tls: null, neighbours: ['127.0.0.1:10004'], witness: '127.0.0.1:10009', port: 10_001})
  expect(warnings).toEqual([])
  expect(meaningOf(file).join('\n')).toContain('in the clear, so the network between can forge the answers')
})

test("the shape of harepd's README is in the clear, and is told; with enabled: true it is refused", async () => {
  const text = fixture('readme-shape-tls-sibling')
  const {file, warnings} = await read(text)
  expect(file.tls).toBeNull()
  expect(warnings).toEqual([
    {
      path: 'harepd.gRPC.enabled',
      message:
        'stands beside tls, not below it (enabled, ca, cert, key): harepd speaks in the clear, and so does the guard',
      next: 'Indent them below tls, with enabled: true, for TLS.',
    },
  ])
  const [problem, ...more] = await problems(read(text.replace('enabled: false', 'enabled: true')))
  expect([problem, more]).toEqual([
    {
      path: 'harepd.gRPC.enabled',
      code: 'CONFIG_CONFLICT',
      message: 'stands beside tls, not below it: harepd does not read it, and speaks in the clear',
      next: 'Indent enabled, ca, cert and key below tls; or write enabled: false to stay in the clear.',
      line: 20,
      column: 18,
    },
    [],
  ])
})

test.each([
  [
    'a witness without port',
    /witness: .*/,
    'witness: 10.21.57.63',
    'harepd.gRPC.witness',
    /never reaches this witness/,
  ],
  ["the README's primaryIp", 'primaryIP', 'primaryIp', 'harepd.primaryIp', /primaryIP: harepd .* opens on no host/],
  ['a port beyond int16', 'bindPort: 10000', 'bindPort: 40000', 'harepd.gRPC.bindPort', /40000.*does not start/],
  ['seconds beyond int16', 'watchDog: 15', 'watchDog: 40000', 'harepd.watchDog', /40000.*does not start/],
  ['no watchDog', 'watchDog: 15', 'repmgrd: 1', 'harepd.watchDog', /0 or missing/],
  ['no deadline', /connectionDeadline.*/, '', 'harepd.gRPC.connectionDeadline', /0 or missing/],
  ['an unknown key', 'allowRO', 'allowRo', 'harepd.allowRo', /does not read/],
  ['IPv6 of HAProxy', '10.21.57.66]', '"fd00::66"]', 'harepd.haproxy.server[1]', /writes \/32: a whole network/],
])('%s is told, and the file is read', async (_, from, to, path, message) => {
  const {warnings} = await read(whole.replace(from, to))
  const found = warnings.find((warning) => warning.path === path)
  expect(`${found?.path} ${found?.message}`).toMatch(message)
})

test('a witness without port is not asked, and primaryIp counts', async () => {
  expect((await read(whole.replace(/witness: .*/, 'witness: 10.21.57.63'))).file.witness).toBeNull()
  expect((await read(whole.replace('primaryIP', 'primaryIp'))).file.primaryIp).toBe('10.21.57.61')
})

test.each([
  ['another file', whole, 'hosts: {}', 'harepd', 'CONFIG_MISSING'],
  ['no name', /nodeName.*/, '', 'harepd.nodeName', 'CONFIG_MISSING'],
  ['no rules', /hbaConfig.*/, '', 'harepd.hbaConfig', 'CONFIG_MISSING'],
  ['no HAProxy', /server: \[.*?\]/, 'server: []', 'harepd.haproxy.server', 'CONFIG_MISSING'],
  ['HAProxy with a mask', '10.21.57.66]', '10.21.57.0/24]', 'harepd.haproxy.server[1]', 'CONFIG_VALUE'],
  ['no user for readers', 'readOnly: haro, ', '', 'harepd.haproxy.users.readOnly', 'CONFIG_MISSING'],
  ['a deny that lets in', 'deny: reject', 'deny: md5', 'harepd.authModes.deny', 'CONFIG_VALUE'],
  ['an allow that does not', 'allow: scram-sha-256', 'allow: reject', 'harepd.authModes.allow', 'CONFIG_VALUE'],
  ['no neighbour', /neighbours.*/, '', 'harepd.gRPC.neighbours', 'CONFIG_MISSING'],
  ['a neighbour without port', '"10.21.57.64:10000"', 'node2', 'harepd.gRPC.neighbours[1]', 'CONFIG_VALUE'],
  ['TLS without authority', 'ca: ca.pem, ', '', 'harepd.gRPC.tls.ca', 'CONFIG_MISSING'],
  ['a port that is none', 'bindPort: 10000', 'bindPort: 99999', 'harepd.gRPC.bindPort', 'CONFIG_VALUE'],
  ['an address that is none', '10.21.57.61\n', 'node1\n', 'harepd.primaryIP', 'CONFIG_VALUE'],
])('refused: %s', async (_, from, to, path, code) => {
  expect(await problems(read(whole.replace(from, to)))).toEqual([expect.objectContaining({path, code})])
})

test('what a file means is said: pace, lease, gates and the wire', async () => {
  const {file} = await read(whole)
  expect(paceOf(file)).toEqual({intervalMs: 1_000, deadlineMs: 5_000, leaseMs: 12_000})
  expect(paceOf({watchDogMs: 2_000, deadlineMs: 1_000})).toEqual({intervalMs: 1_000, deadlineMs: 1_000, leaseMs: 5_000})
  expect(meaningOf(file)).toEqual([
    'This host is the node node_1 at 10.21.57.61. Its rules are in /etc/postgresql/15/main/pg_hba.conf.',
    'The user harw comes in from 10.21.57.65 and 10.21.57.66 to the database of its own name by scram-sha-256, on ' +
      'the agreed primary alone. Everywhere else it meets reject.',
    'The user haro comes in on the agreed primary, and on standbys that agree.',
    'Users of applications are not gated, because this file names the users of HAProxy alone. A section "guard:" of ' +
      'pgroute66 names both.',
    'The guard asks 10.21.57.62:10000, 10.21.57.64:10000 and the witness 10.21.57.63:10000 over TLS 1.3.',
    'Their certificates must carry the name harepd.example: serverHostOverride, which harepd never uses.',
    'A pass begins each 1s (watchDog is 15s), and ends after at most 5s: connectionDeadline is for the whole of it.',
    'What is allowed ends 12s after the last agreement. repmgr must promote later than that: reconnect_attempts x ' +
      'reconnect_interval of repmgr.conf, with primary_visibility_consensus=true.',
    'The log goes to /var/log/harepd.log, and SIGHUP opens it anew. maxAge and rotationTime are for logrotate to do.',
  ])
})

test('a file that is not there, and one that is no YAML', async () => {
  await using place = await workplace()
  expect(await complaint(readHarepd('conf.yml', place.directory))).toMatchObject({code: 'CONFIG_NOT_FOUND'})
  await place.write('conf.yml', 'harepd: [')
  expect(await complaint(readHarepd('conf.yml', place.directory))).toMatchObject({code: 'CONFIG_YAML'})
  await place.write('conf.yml', whole)
  expect((await readHarepd('conf.yml', place.directory)).file.nodeName).toBe('node_1')
})
