import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, test} from 'vitest'
import {freePorts} from '../../src/demo/free-ports.ts'
import {until} from '../../src/demo/wait-until.ts'
import {Jail} from '../cli/jail.ts'
import {hasDebian} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {BootedHost, mayBoot} from './booted-host.ts'

const units = join(import.meta.dirname, '..', '..', 'packaging', 'systemd')
const hba = '/etc/postgresql/15/gated/pg_hba.conf'
const config = '/etc/pgroute66/config.yaml'
const own = 'pgroute66-guard.service'
const server = 'postgresql@15-gated'
const others = ['other2', 'other3'] as const

/** The tests run in this order: each continues with what the one before has left. */
describe.skipIf(lacks('systemd-nspawn') || !hasDebian || !mayBoot())('the unit of the guard, under systemd', () => {
  let host: BootedHost
  let ports: Awaited<ReturnType<typeof freePorts>>

  const does = (program: string, ...args: string[]): string => {
    const {code, text} = host.run(program, ...args)
    assert.equal(code, 0, `${program} ${args.join(' ')}: ${text}`)
    return text
  }
  const shown = (name: string) => does('systemctl', 'show', own, '-p', name, '--value').trim()
  const state = (unit: string) => host.run('systemctl', 'is-active', unit).text.trim()
  const gate = (): string => /app {2}\S+ {2}(\S+)/.exec(does('cat', hba))?.[1] ?? 'none'
  const isOpen = () => until(() => gate() === 'trust', 90_000)
  const isShut = () => until(() => gate() === 'reject', 90_000)
  const begin = async () => {
    does('systemctl', 'start', own)
    await isOpen()
  }
  /** Milliseconds since 1970 of the latest change of the file. */
  const changedAt = () => Number(does('stat', '-c', '%.3Y', hba)) * 1000

  /** The guard of one host. The two others have no server, and so a vote alone. */
  const configOf = (index: number, more = ''): string => {
    const [port = 0, ...guards] = ports.ports
    const at = (one: number) => `{host: 127.0.0.1, port: ${one === 1 ? port : one}, user: pgroute66, dbname: postgres}`
    const neighbours = guards.filter((_, other) => other + 1 !== index).map((one) => `"grpc://127.0.0.1:${one}"`)
    const section = [
      `hba_file: ${index === 1 ? hba : `/var/lib/postgresql/hba${index}`}`,
      'users: {read_write: [app]}, addresses: [127.0.0.0/8], allow: trust',
      `grpc: {bind: 127.0.0.1, port: ${guards[index - 1]}}, neighbours: [${neighbours}]`,
      `socket: ${index === 1 ? '/run/pgroute66/guard.sock' : `/var/lib/postgresql/guard${index}.sock`}`,
    ].join(', ')
    const hosts = [1, 2, 3].map((one) => `host${one}: ${at(one)}`).join(', ')
    return `hosts: {${hosts}}\nlocal: host${index}\nguard: {${section}${more}}\n`
  }
  const startOthers = () => {
    for (const name of others) {
      const as = ['-p', 'User=postgres', '-p', `BindReadOnlyPaths=/root/${name}.id:/etc/machine-id`]
      does('systemd-run', '-q', '--collect', '--unit', name, ...as, 'pgroute66', 'guard', '-c', `/etc/${name}.yaml`)
    }
  }

  beforeAll(async () => {
    ports = await freePorts(4)
    host = await BootedHost.boot()
    host.write('/usr/bin/pgroute66', readFileSync(new Jail().executable))
    does('chmod', '755', '/usr/bin/pgroute66')
    for (const name of [own, 'pgroute66.sysusers', 'pgroute66.tmpfiles'])
      host.write(`/etc/systemd/system/${name}`, readFileSync(join(units, name)))
    does('systemd-sysusers', '/etc/systemd/system/pgroute66.sysusers')
    does('systemd-tmpfiles', '--create', '/etc/systemd/system/pgroute66.tmpfiles')
    const once = '[Service]\nRestart=no\n'
    host.write(`/etc/systemd/system/${own}.d/once.conf`, once)
    host.write('/etc/systemd/system/postgresql@.service.d/deny.conf', readFileSync(join(units, 'postgresql-deny.conf')))
    host.write(config, configOf(1))
    for (const [index, name] of others.entries()) {
      host.write(`/etc/${name}.yaml`, configOf(index + 2))
      host.write(`/root/${name}.id`, `${String(index + 2).repeat(32)}\n`)
      host.write(`/var/lib/postgresql/hba${index + 2}`, 'local all all peer\n')
      does('chown', 'postgres', `/etc/${name}.yaml`, `/var/lib/postgresql/hba${index + 2}`)
      does('chmod', '600', `/etc/${name}.yaml`)
    }
    does('chown', 'root:pgroute66', config)
    does('chmod', '640', config)
    does('pg_createcluster', '15', 'gated', '--port', String(ports.ports[0]))
    const lines = does('cat', hba)
    host.write(hba, `host all pgroute66 127.0.0.1/32 trust\n${lines}`)
    does('systemctl', 'daemon-reload')
    await ports[Symbol.asyncDispose]()
    does('systemctl', 'start', server)
    for (const statement of [
      'create role pgroute66 login',
      'create role app login',
      'grant execute on function pg_hba_file_rules(), pg_reload_conf() to pgroute66',
      'grant pg_signal_backend to pgroute66',
    ])
      does('runuser', '-u', 'postgres', '--', 'psql', '-p', String(ports.ports[0]), '-qc', statement)
    startOthers()
  })
  afterAll(() => host?.[Symbol.asyncDispose]())

  test('the guard opens the gate as the user postgres, without a right of root', async () => {
    await begin()
    const pid = shown('MainPID')
    assert.equal(does('ps', '-o', 'user=', '-p', pid).trim(), 'postgres')
    assert.match(does('cat', `/proc/${pid}/status`), /^CapEff:\s+0+$/m)
    const as = ['-h', '127.0.0.1', '-p', String(ports.ports[0]), '-U', 'app']
    assert.equal(does('psql', ...as, '-Atc', 'select 1', 'postgres'), '1\n')
  })

  test.each([
    ['KILL', 'killed'],
    ['STOP', 'frozen'],
  ])('SIG%s: the gate of a guard that was %s is shut by the unit', async (signal, what) => {
    if (state(own) !== 'active') await begin()
    assert.equal(gate(), 'trust')
    const from = Date.now()
    does('systemctl', 'kill', '-s', signal, '--kill-whom=main', own)
    await isShut()
    process.stdout.write(`a guard that was ${what}: deny after ${Math.round(changedAt() - from)} ms\n`)
    await until(() => state(own) === 'failed')
    const journal = does('journalctl', '-u', own, '-o', 'cat', '--no-pager')
    assert.equal(/Watchdog timeout/.test(journal), signal === 'STOP')
    does('systemctl', 'reset-failed', own)
  })

  test('PostgreSQL does not start with the open gate of before', async () => {
    const shut = does('cat', hba)
    await begin()
    const open = does('cat', hba)
    does('systemctl', 'stop', own)
    assert.equal(gate(), 'reject')
    assert.equal(shut.length, open.length)
    does('systemctl', 'stop', server)
    host.write(hba, open)
    does('systemctl', 'start', server)
    assert.equal(gate(), 'reject')
  })

  test('fence: stop: PostgreSQL is stopped once no majority names this host for a lease', async () => {
    host.write(config, configOf(1, ', fence: stop'))
    await begin()
    const from = Date.now()
    for (const name of others) does('systemctl', 'kill', '-s', 'KILL', name)
    await isShut()
    process.stdout.write(`no majority: deny after ${Math.round(changedAt() - from)} ms\n`)
    await until(() => state(server) !== 'active')
    assert.match(does('journalctl', '-u', own, '-o', 'cat', '--no-pager'), /PostgreSQL of this host is being stopped/)
    assert.equal(state(own), 'active')
  })
})
