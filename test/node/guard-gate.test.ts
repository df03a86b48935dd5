import {spawnSync} from 'node:child_process'
import {appendFileSync, mkdtempSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import pg from 'pg'
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {HbaGate} from '../../src/actuators/guard/gate.ts'
import {findPostmaster} from '../../src/actuators/guard/postmaster.ts'
import {ownServer} from '../../src/app/node/guard/own-server.ts'
import {type GuardSite, guardSiteOf} from '../../src/config/guard-site.ts'
import {loadConfig} from '../../src/config/load.ts'
import {type Gates, shut} from '../../src/core/node/guard-settings.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import {connectionsByHost} from '../../src/sources/pg/side-session.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type Cluster, type PgNode, startTestCluster, until} from '../support/cluster.ts'

const open: Gates = {readWrite: 'allow', readOnly: 'allow'}
const lines = ['host all pgroute66 127.0.0.1/32 trust', 'host all app,reports 127.0.0.1/32 trust']

let cluster: Cluster
let node: PgNode
let hba = ''
let original = ''
beforeAll(async () => {
  cluster = await startTestCluster({nodes: 1, hba: lines})
  node = cluster.node('host1')
  hba = join(node.data, 'pg_hba.conf')
  original = readFileSync(hba, 'utf8')
  for (const statement of [
    'create role app login',
    'create role reports login',
    'grant execute on function pg_hba_file_rules(), pg_reload_conf() to pgroute66',
    'grant pg_signal_backend, pg_read_all_settings to pgroute66',
  ])
    await node.sql(statement)
})
afterAll(() => cluster[Symbol.asyncDispose]())
beforeEach(async () => {
  writeFileSync(hba, original)
  await node.sql('select pg_reload_conf()')
  await until(async () => (await login('app')) === 'in')
})

/** Only its own server is there; the two others are no matter of the gate. */
async function siteWith(guard = '', user = 'pgroute66'): Promise<GuardSite> {
  const path = join(mkdtempSync(join(tmpdir(), 'pgroute66-gate-')), 'pgroute66.yml')
  const to = (port: number) => `{host: 127.0.0.1, port: ${port}, user: ${user}, dbname: postgres}`
  const section = [
    'users: {read_write: [app], read_only: [reports]}',
    'addresses: [127.0.0.1]',
    'neighbours: [grpc://127.0.0.1:2, grpc://127.0.0.1:3]',
    ...(guard.includes('allow:') ? [] : ['allow: trust']),
    ...(guard === '' ? [] : [guard]),
  ]
  const hosts = `hosts: {host1: ${to(node.port)}, host2: ${to(2)}, host3: ${to(3)}}`
  const text = `${hosts}\nlocal: host1\nguard: {${section.join(', ')}}\n`
  writeFileSync(path, text, {mode: 0o600})
  return guardSiteOf(await loadConfig({path, env: {HOME: tmpdir()}, cwd: tmpdir()}))
}

async function gateWith(guard = '', user?: string) {
  const site = await siteWith(guard, user)
  const server = ownServer(site, {clock: systemClock, log: silentLog, connectionsOf: connectionsByHost()})
  return {site, server, gate: new HbaGate(site.guard, server)}
}
const patient = () => AbortSignal.timeout(60_000)

async function login(user: string): Promise<string> {
  const client = new pg.Client({host: '127.0.0.1', port: node.port, user, database: 'postgres'})
  client.on('error', () => {})
  try {
    await client.connect()
    return 'in'
  } catch (error) {
    return (error as {code?: string}).code ?? String(error)
  } finally {
    await client.end().catch(() => {})
  }
}
/** SQLSTATE of a rule `reject`. */
const refused = '28000'
const becomes = (user: string, answer: string) => until(async () => (await login(user)) === answer)

test('gates shut and open, each by itself, and the file is found by SQL', async () => {
  const {gate} = await gateWith()
  expect(await gate.apply(shut, patient())).toMatchObject({gates: shut, hasFailed: false, problems: []})
  expect(gate.path).toBe(hba)
  await becomes('app', refused)
  expect(await login('reports')).toBe(refused)
  expect(await login('pgroute66')).toBe('in')
  await gate.apply({readWrite: 'deny', readOnly: 'allow'}, patient())
  await becomes('reports', 'in')
  expect(await login('app')).toBe(refused)
  await gate.apply(open, patient())
  await becomes('app', 'in')
})

test('sessions of the gated users end, and no other one', async () => {
  const {server} = await gateWith()
  const ended = new Set<string>()
  const clients = ['app', 'reports', 'pgroute66'].map((user) => {
    const client = new pg.Client({host: '127.0.0.1', port: node.port, user, database: 'postgres'})
    client.on('error', () => void ended.add(user))
    return client
  })
  for (const client of clients) await client.connect()
  expect(await server.terminate(['app', 'reports'], patient())).toBe(2)
  await until(() => ended.size === 2)
  expect([...ended].sort()).toEqual(['app', 'reports'])
  expect((await clients[2]?.query('select 1 as one'))?.rows).toEqual([{one: 1}])
  await Promise.all(clients.map((client) => client.end().catch(() => {})))
})

test('+role, more databases, and the unix socket: PostgreSQL finds the lines', async () => {
  const site = await siteWith('allow: scram-sha-256')
  const rules = {
    databases: ['postgres', 'sameuser'],
    readWrite: ['app', '+apps'],
    readOnly: [],
    addresses: ['local', '::1/128', '10.0.0.0/8'],
    allow: 'ident',
    deny: 'reject',
  }
  const guard = {...site.guard, rules}
  const deps = {clock: systemClock, log: silentLog, connectionsOf: connectionsByHost()}
  const gate = new HbaGate(guard, ownServer({...site, guard}, deps))
  for (const gates of [shut, open])
    expect(await gate.apply(gates, patient())).toMatchObject({gates, hasFailed: false, problems: []})
})

test('+role ends the sessions of its members, and not those of superusers', async () => {
  const {server} = await gateWith()
  await node.sql('create role apps; grant apps to app')
  const client = new pg.Client({host: '127.0.0.1', port: node.port, user: 'app', database: 'postgres'})
  client.on('error', () => {})
  await client.connect()
  await using superuser = await node.connect()
  expect(await server.terminate(['+apps'], patient())).toBe(1)
  expect((await superuser.query('select 1 as one')).rows).toEqual([{one: 1}])
  await node.sql('drop role apps')
})

test('without SQL, SIGHUP makes the server read a deny', async () => {
  const {gate} = await gateWith(`hba_file: ${hba}`, 'stranger')
  expect(await findPostmaster(node.port)).toEqual({pid: node.pid, data: node.data})
  expect(await gate.apply(shut, patient())).toMatchObject({gates: shut, hasFailed: false})
  await becomes('app', refused)
})

test('without SQL and without hba_file nothing is written, and it is told', async () => {
  const {gate} = await gateWith('', 'stranger')
  expect(await gate.apply(shut, patient())).toMatchObject({
    gates: null,
    hasFailed: false,
    problems: [expect.stringContaining('guard.hba_file')],
  })
  expect(readFileSync(hba, 'utf8')).toBe(original)
})

describe('PostgreSQL can start again, and the guard says what is wrong', () => {
  const startsAgain = async () => {
    await node.restart()
    expect(node.isRunning).toBe(true)
  }

  test('a method that PostgreSQL does not take: the gate stays shut', async () => {
    const {gate} = await gateWith('allow: cert')
    const outcome = await gate.apply(open, patient())
    expect(outcome).toMatchObject({gates: shut, problems: [expect.stringContaining('guard.allow')]})
    expect(readFileSync(hba, 'utf8')).not.toContain(' cert')
    await becomes('app', refused)
    await startsAgain()
    const {ino} = statSync(hba)
    for (let pass = 0; pass < 3; pass += 1) expect(await gate.apply(open, patient())).toEqual(outcome)
    expect(statSync(hba).ino).toBe(ino)
  })

  test('from PostgreSQL 16 on it names the file: a symlink to ours is ours', async () => {
    const {site, server} = await gateWith(`hba_file: ${hba}`)
    const link = join(mkdtempSync(join(tmpdir(), 'pgroute66-gate-')), 'pg_hba.conf')
    symlinkSync(hba, link)
    const isOpen = () => / app .* trust *\n/.test(readFileSync(hba, 'utf8').split('guard: end')[0] ?? '')
    const problems = async () => (isOpen() ? [{file: link, line: 2, error: 'invalid method'}] : [])
    const gate = new HbaGate(site.guard, {...server, problems})
    expect(await gate.apply(open, patient())).toMatchObject({
      gates: shut,
      problems: [expect.stringContaining('guard.allow')],
    })
  })

  test('a broken line of the administrator: it is named, and a reload is no success', async () => {
    appendFileSync(hba, 'host all all 10.0.0.0/99 trust\n')
    const {gate} = await gateWith()
    const outcome = await gate.apply(shut, patient())
    expect(outcome).toMatchObject({hasFailed: true, problems: [expect.stringMatching(/line \d+ of .*pg_hba\.conf/)]})
    expect(await login('app')).toBe('in')
    writeFileSync(hba, readFileSync(hba, 'utf8').replace('host all all 10.0.0.0/99 trust\n', ''))
    // The file is well again, so the next pass makes it count.
    expect(await gate.apply(shut, patient())).toMatchObject({hasFailed: false, problems: []})
    await becomes('app', refused)
    await startsAgain()
  })

  test('a broken line while SQL is away: it is found once SQL is back', async () => {
    appendFileSync(hba, 'host all all 10.0.0.0/99 trust\n')
    const {site, server} = await gateWith()
    let isAway = true
    let told = 0
    const gate = new HbaGate(site.guard, {
      ...server,
      problems: async (signal) => (isAway ? null : await server.problems(signal)),
      async reload() {
        told += 1
        return 'reloaded'
      },
    })
    for (let pass = 0; pass < 3; pass += 1)
      expect(await gate.apply(shut, patient())).toMatchObject({hasFailed: false, problems: []})
    expect(told).toBe(1)
    isAway = false
    expect(await gate.apply(shut, patient())).toMatchObject({
      hasFailed: true,
      problems: [expect.stringMatching(/line \d+/)],
    })
    writeFileSync(hba, original)
    for (let pass = 0; pass < 3; pass += 1)
      expect(await gate.apply(shut, patient())).toMatchObject({hasFailed: false, problems: []})
    expect(told).toBe(2)
  })

  test('another file than the one that PostgreSQL reads: it is told, for an open gate and for a shut one', async () => {
    const elsewhere = join(cluster.folder, 'other_hba.conf')
    writeFileSync(elsewhere, original)
    const {gate} = await gateWith(`hba_file: ${elsewhere}`)
    for (const gates of [shut, open, shut])
      expect(await gate.apply(gates, patient())).toMatchObject({
        hasFailed: true,
        problems: [expect.stringContaining('finds no line of the guard')],
      })
  })

  test('a marker without its end: not a byte is written', async () => {
    writeFileSync(hba, `# pgroute66 guard: begin\n${original}`)
    const {gate} = await gateWith()
    expect(await gate.apply(shut, patient())).toMatchObject({
      hasFailed: true,
      problems: [expect.stringContaining('1 lines begin the block and 0 end it (lines 1)')],
    })
    expect(readFileSync(hba, 'utf8')).toBe(`# pgroute66 guard: begin\n${original}`)
    await startsAgain()
  })

  test('a symlink: the file behind it is replaced', async () => {
    const folder = join(cluster.folder, 'etc')
    spawnSync('mkdir', [folder])
    renameSync(hba, join(folder, 'hba'))
    symlinkSync(join(folder, 'hba'), hba)
    const {gate} = await gateWith()
    expect(await gate.apply(shut, patient())).toMatchObject({hasFailed: false})
    await becomes('app', refused)
    await startsAgain()
    renameSync(join(folder, 'hba'), hba)
  })
})

test('what another program writes is put back, and counted', async () => {
  const {gate} = await gateWith()
  await gate.apply(shut, patient())
  const block = readFileSync(hba, 'utf8')
  writeFileSync(hba, original)
  expect(await gate.apply(shut, patient())).toMatchObject({wasRewritten: true, gates: shut, hasFailed: false})
  expect(readFileSync(hba, 'utf8')).toBe(block)
  expect(await gate.apply(shut, patient())).toMatchObject({wasRewritten: false})
})

test.skipIf(process.getuid?.() !== 0)('a folder that the user of the guard may not write to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-gate-'))
  const file = join(folder, 'pg_hba.conf')
  writeFileSync(file, original)
  spawnSync('chown', ['nobody', file])
  spawnSync('chmod', ['755', folder])
  const module = new URL('../../src/actuators/guard/hba-file.ts', import.meta.url).href
  const rules =
    "{databases: ['all'], readWrite: ['app'], readOnly: [], addresses: ['all'], allow: 'md5', deny: 'reject'}"
  const code = `const {writeDeny} = await import('${module}')
    console.log(JSON.stringify(await writeDeny('${file}', ${rules})))`
  const argv = ['--reuid=nobody', '--clear-groups', '--', process.execPath, '--input-type=module', '-e', code]
  const {stdout} = spawnSync('setpriv', argv, {encoding: 'utf8', cwd: '/'})
  expect(JSON.parse(stdout)).toMatchObject({kind: 'failed', why: 'cannot be replaced (EACCES)'})
  expect(readFileSync(file, 'utf8')).toBe(original)
})
