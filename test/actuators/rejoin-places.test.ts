import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {countedFor} from '../../src/actuators/rejoin/confirmation.ts'
import {dataDirectory} from '../../src/actuators/rejoin/local.ts'
import {type Run, steps} from '../../src/actuators/rejoin/steps.ts'
import {countLoss} from '../../src/actuators/rejoin/wal.ts'
import {readSnapshot} from '../../src/app/node/rejoin/confirm.ts'
import {denyIn} from '../../src/app/node/rejoin/deny.ts'
import {sourceAccess} from '../../src/app/node/rejoin/source-access.ts'
import type {RejoinSettings} from '../../src/core/node/rejoin-settings.ts'
import type {GroupSettings, HostSettings} from '../../src/core/settings.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'pgroute66-rejoin-'))
  onTestFinished(() => rmSync(made, {recursive: true}))
  return made
}
const settings = (pgdata: string) => ({pgdata, configFile: null}) as RejoinSettings

test('a link to a data directory leads to the same place while that has another name', async () => {
  const disk = join(folder(), 'disk')
  mkdirSync(join(disk, 'data'), {recursive: true})
  const link = join(folder(), 'data')
  symlinkSync(join(disk, 'data'), link)
  expect(await dataDirectory(settings(link))).toBe(join(disk, 'data'))
  rmSync(join(disk, 'data'), {recursive: true})
  expect(await dataDirectory(settings(link))).toBe(join(disk, 'data'))
  symlinkSync(link, join(disk, 'data'))
  expect(await dataDirectory(settings(link))).toBe(link)
})

test.skipIf(process.getuid?.() !== 0)('the owner counts also while the data directory has another name', async () => {
  const pgdata = join(folder(), 'data')
  mkdirSync(`${pgdata}.rejoin`)
  chownSync(`${pgdata}.rejoin`, 65_534, 65_534)
  await expect(dataDirectory(settings(pgdata))).rejects.toThrow(/belongs to user 65534, and rejoin runs as user 0/)
})

test('the time of the last commit is in UTC, whatever the time zone of the machine', async () => {
  const bin = folder()
  // As pg_waldump does: in the time zone of its process.
  const line = 'rmgr: Transaction len (rec/tot): 34/ 34, tx: 7, lsn: 0/07020100, prev 0/0, desc: COMMIT'
  const script = `#!/bin/sh\necho "${line} $(date -d @1764437833 '+%Y-%m-%d %H:%M:%S.458608 %Z')"\n`
  writeFileSync(join(bin, 'pg_waldump'), script, {mode: 0o755})
  const zone = process.env.TZ
  process.env.TZ = 'Asia/Tokyo'
  onTestFinished(() => {
    if (zone === undefined) delete process.env.TZ
    else process.env.TZ = zone
  })
  const control = {checkpointTimeline: 2, segmentBytes: 16 * 1024 * 1024} as Parameters<typeof countLoss>[2]['control']
  const exempt = {databases: new Set<string>(), relations: new Set<string>()}
  const loss = await countLoss(bin, bin, {timeline: 1, lsn: '0/7020000', control, exempt})
  expect(loss.lastAt).toBe('2025-11-29 17:37:13')
})

test('deny is told to the server of the data directory, and to no other process that has its old number', async () => {
  const pgdata = folder()
  writeFileSync(join(pgdata, 'pg_hba.conf'), 'local all all trust\n')
  const other = spawn('sleep', ['600'], {cwd: '/'})
  const ended = once(other, 'exit')
  writeFileSync(join(pgdata, 'postmaster.pid'), `${other.pid}\n`)
  const rules = {databases: ['all'], readWrite: ['app'], readOnly: [], addresses: ['10.0.0.0/8'], deny: 'reject'}
  const guard = {hbaFile: null, rules: {...rules, allow: 'md5'}} as unknown as Parameters<typeof denyIn>[1]
  expect(await denyIn(pgdata, guard, settings(pgdata))).toBeNull()
  other.kill('SIGTERM')
  expect(await ended).toEqual([null, 'SIGTERM'])
})

const connection = {
  ...{host: 'db2', hostaddr: null, port: 5432, user: 'pgroute66', dbname: 'postgres', sslmode: 'verify-full'},
  ...{sslrootcert: '/etc/ca.crt', sslcert: '/etc/me.crt', sslkey: '/etc/me.key', sslcrl: null, sslcrldir: '/etc/crl'},
}
const accessOf = (password: object) =>
  sourceAccess(
    {name: 'host2', connection: {...connection, password}} as unknown as HostSettings,
    {sourceUser: 'pgroute66', replicationUser: 'pgroute66'} as RejoinSettings,
    'host1',
  )

test('the standby has the certificates of the monitor, and its password from a file', async () => {
  const {upstream, replication, replicationEnv} = await accessOf({from: 'pgpass', path: '/var/lib/postgresql/.pgpass'})
  const tls = 'sslmode=verify-full sslrootcert=/etc/ca.crt sslcert=/etc/me.crt sslkey=/etc/me.key sslcrldir=/etc/crl'
  expect(upstream).toBe(
    `host=db2 port=5432 ${tls} passfile=/var/lib/postgresql/.pgpass user=pgroute66 application_name=host1`,
  )
  expect(replication).toContain(`${tls} passfile=/var/lib/postgresql/.pgpass`)
  expect(replicationEnv).toEqual({})
})

test('a password that the walreceiver would not have is not used to look whether it could stream', async () => {
  const {upstream, env, replicationEnv} = await accessOf({from: 'config', text: 'secret'})
  expect([env, replicationEnv]).toEqual([{PGPASSWORD: 'secret'}, {}])
  expect(upstream).not.toMatch(/secret|passfile/)
})

test('the register command has no password of ours, which would win over its own', async () => {
  const register = ['/bin/sh', '-c', 'test -z "$PGPASSWORD"']
  const run = {settings: {register}, access: {env: {PGPASSWORD: 'secret'}}} as unknown as Run
  await expect(steps.register(run)).resolves.toBeUndefined()
})

test('two of four hosts confirm no other primary: the other two may have this one', () => {
  const standby = (host: string, upstream: string) => ({
    host,
    role: 'standby',
    upstream,
    receiver: {status: 'streaming'},
  })
  const host2 = {host: 'host2', role: 'primary', timeline: 2, askedAt: 0}
  const group = {name: 'main', hosts: ['host1', 'host2', 'host3', 'host4']} as unknown as GroupSettings
  const state = {hosts: ['host2', 'host3', 'host4'], verdict: {kind: 'primary', primary: 'host2'}, evidence: []}
  const local = {name: 'host1', connection: {host: 'db1', hostaddr: null, port: 5432}, aliases: []}
  const read = (upstreamOf4: string) => {
    const hosts = {host2, host3: standby('host3', 'host2'), host4: standby('host4', upstreamOf4)}
    const snapshot = {groups: {main: state}, hosts} as unknown as Snapshot
    return readSnapshot(snapshot, group, local as unknown as HostSettings)
  }
  expect(read('host1')).toEqual({kind: 'unconfirmed', why: '1 of 4 hosts stream from host2'})
  expect(read('host3')).toMatchObject({kind: 'confirmed', name: 'host2', timeline: 2})
})

test.each([
  ['runs: the stream is proof', true, 'none'],
  ['is stopped: its standby has not noticed yet', false, 'unconfirmed'],
])('two of three hosts, and one streams from this one, which %s', (_, isRunning, kind) => {
  const receiver = {status: 'streaming', senderHost: 'db1', senderPort: 5432}
  const host3 = {host: 'host3', role: 'standby', upstream: 'host1', receiver}
  const group = {name: 'main', hosts: ['host1', 'host2', 'host3']} as unknown as GroupSettings
  const state = {hosts: ['host2', 'host3'], verdict: {kind: 'no-primary', why: 'host2 is silent'}, evidence: []}
  const hosts = {host2: {host: 'host2', role: 'unavailable'}, host3}
  const local = {name: 'host1', connection: {host: 'db1', hostaddr: null, port: 5432}, aliases: []}
  const snapshot = {groups: {main: state}, hosts} as unknown as Snapshot
  expect(countedFor({isRunning}, readSnapshot(snapshot, group, local as unknown as HostSettings)).kind).toBe(kind)
  // Where every other host is in recovery, no stream is needed.
  const all = {...snapshot, hosts: {host2: {...host3, host: 'host2'}, host3}} as unknown as Snapshot
  expect(countedFor({isRunning}, readSnapshot(all, group, local as unknown as HostSettings)).kind).toBe('none')
})
