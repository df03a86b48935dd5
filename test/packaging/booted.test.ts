import assert from 'node:assert/strict'
import {execFileSync} from 'node:child_process'
import {mkdtempSync, readdirSync, readFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join, relative} from 'node:path'
import {afterAll, beforeAll, describe, test} from 'vitest'
import {freePorts} from '../../src/demo/free-ports.ts'
import {until} from '../../src/demo/wait-until.ts'
import {Jail} from '../cli/jail.ts'
import {type Fakes, startFakes} from '../support/fake-postgres.ts'
import {lacks} from '../support/parts.ts'
import {BootedHost, mayBoot} from './booted-host.ts'

const builder = join(import.meta.dirname, '..', '..', 'packaging', 'packages', 'deb.ts')
const config = '/etc/pgroute66/config.yaml'

/** The tests run in this order: each continues with what the one before has left. */
describe.skipIf(lacks('systemd-nspawn') || !mayBoot())('the Debian package on a host that systemd has booted', () => {
  let host: BootedHost
  let servers: Fakes
  let text = ''
  beforeAll(async () => {
    servers = await startFakes(3)
    const hosts = servers.ports.map(
      (port, index) => `  host${index + 1}: {host: 127.0.0.1, port: ${port}, sslmode: disable, user: pgroute66}`,
    )
    text = [
      `hosts:\n${hosts.join('\n')}`,
      'bind: 127.0.0.1',
      'port: 0',
      'socket: /run/pgroute66/pgroute66.sock',
      'state_dir: /var/lib/pgroute66',
      // A check's own 2 s would be a test of this machine's speed.
      'check: {timeout: 20s}',
      '',
    ].join('\n')
    host = await BootedHost.boot()
    const folder = mkdtempSync(join(tmpdir(), 'pgroute66-deb-'))
    const build = [builder, new Jail().executable, folder, process.arch, 'quick']
    const files = execFileSync(process.execPath, build, {encoding: 'utf8'}).trim().split('\n')
    const file = files.find((path) => path.startsWith(join(folder, 'pgroute66_'))) ?? ''
    host.write('/root/pgroute66.deb', readFileSync(file))
  })
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]()
    servers?.stop()
  })

  const does = (program: string, ...args: string[]): string => {
    const {code, text} = host.run(program, ...args)
    assert.equal(code, 0, `${program} ${args.join(' ')}: ${text}`)
    return text
  }
  const shown = (name: string) => does('systemctl', 'show', 'pgroute66.service', '-p', name, '--value').trim()
  const journal = () => does('journalctl', '-u', 'pgroute66', '-o', 'cat', '--no-pager')
  const isBack = (restarts: number) =>
    until(() => Number(shown('NRestarts')) >= restarts && shown('ActiveState') === 'active')

  test('install: the package makes a user and its folders, and starts nothing without a configuration', () => {
    does('dpkg', '-i', '/root/pgroute66.deb')
    assert.equal(
      does('stat', '-c', '%U:%G %a %n', '/etc/pgroute66', '/run/pgroute66', '/var/lib/pgroute66'),
      [
        'root:pgroute66 750 /etc/pgroute66',
        'pgroute66:pgroute66 1775 /run/pgroute66',
        'pgroute66:pgroute66 750 /var/lib/pgroute66',
        '',
      ].join('\n'),
    )
    does('systemctl', 'start', 'pgroute66')
    assert.equal(shown('ActiveState'), 'inactive')
  })

  test('start: systemd waits for the first verdict, and shows the verdict as the status', () => {
    host.write(config, text)
    does('chown', 'root:pgroute66', config)
    does('chmod', '640', config)
    does('systemctl', 'start', 'pgroute66')
    assert.equal(shown('ActiveState'), 'active')
    assert.match(does('pgroute66-check-primary', 'host1'), /^host1: the only primary/)
    assert.match(shown('StatusText'), /primary host1/)
    assert.equal(shown('LimitCORE'), '0')
    const user = does('ps', '-o', 'user:20=', '-p', shown('MainPID')).trim()
    assert.equal(user, 'pgroute66')
  })

  test('reload: the same process takes the new configuration', async () => {
    const pid = shown('MainPID')
    does('systemctl', 'reload', 'pgroute66')
    await until(() => journal().includes('configuration reloaded'))
    assert.equal(shown('MainPID'), pid)
  })

  test('upgrade: a running service gets the new program, and its memory stays', async () => {
    const pid = shown('MainPID')
    does('dpkg', '-i', '/root/pgroute66.deb')
    await until(() => shown('ActiveState') === 'active' && shown('MainPID') !== pid)
    does('test', '-e', '/var/lib/pgroute66/memory.json')
    assert.match(does('pgroute66-check-primary', 'host1'), /^host1: the only primary/)
  })

  test('serve is killed, and then frozen: systemd starts serve again', async () => {
    const impatient = '/run/systemd/system/pgroute66.service.d/impatient.conf'
    host.write(impatient, '[Service]\nWatchdogSec=5\n')
    does('systemctl', 'daemon-reload')
    does('systemctl', 'kill', '-s', 'KILL', 'pgroute66')
    await isBack(1)
    does('systemctl', 'kill', '-s', 'STOP', '--kill-whom=main', 'pgroute66')
    await isBack(2)
    does('rm', impatient)
    does('systemctl', 'daemon-reload')
    assert.match(journal(), /Watchdog timeout/)
    assert.match(does('pgroute66', 'check', 'host2', '--role', 'standby', '--fallback', 'none'), /^host2: a standby/)
  })

  test('a wrong configuration: serve says so, and runs as soon as the file is correct', async () => {
    host.write(config, text.replace('bind:', 'bnid:'))
    assert.notEqual(host.run('systemctl', 'restart', 'pgroute66').code, 0)
    assert.equal(shown('ExecMainStatus'), '2')
    assert.match(journal(), /bnid is not a known key. Did you mean "bind"\?/)
    host.write(config, text)
    await until(() => shown('ActiveState') === 'active')
    does('systemctl', 'stop', 'pgroute66')
  })

  test('socket activation: a check starts the daemon, and no check fails while the daemon restarts', async () => {
    does('systemctl', 'start', 'pgroute66.socket')
    assert.equal(shown('ActiveState'), 'inactive')
    assert.match(does('pgroute66', 'check', 'host1'), /^host1: the only primary/m)
    await until(() => shown('ActiveState') === 'active')
    does('systemctl', 'restart', '--no-block', 'pgroute66')
    for (let asked = 0; asked < 10; asked += 1) does('pgroute66', 'check', 'host1')
  })

  test('remove: serve stops and its memory stays; purge: only what the operator wrote is left', () => {
    const link = '/etc/systemd/system/multi-user.target.wants/pgroute66.service'
    does('systemctl', 'enable', 'pgroute66')
    does('test', '-L', link)
    does('dpkg', '-r', 'pgroute66')
    assert.equal(host.run('test', '-L', link).code, 1)
    assert.equal(host.run('pgrep', '-u', 'pgroute66').code, 1)
    does('test', '-e', '/var/lib/pgroute66/memory.json')
    does('dpkg', '-P', 'pgroute66')
    assert.equal(host.run('test', '-e', '/var/lib/pgroute66').code, 1)
    does('test', '-e', config)
    assert.equal(does('systemctl', 'list-units', '--failed', '--no-legend', 'pgroute66*').trim(), '')
    does('rm', config)
  })

  describe.skipIf(lacks('Ansible') || lacks('HAProxy'))('the Ansible role', () => {
    const role = join(import.meta.dirname, '..', '..', 'packaging', 'ansible')
    const inventory = '/root/inventory.json'
    const play = (): string =>
      does('env', 'LC_ALL=C.UTF-8', 'HOME=/root', 'ansible-playbook', '-i', inventory, '/root/ansible/site.yml')
    const told = (settings: object) => {
      const hosts = servers.ports.map((port, index) => [
        `host${index + 1}`,
        {host: '127.0.0.1', port, sslmode: 'disable'},
      ])
      const vars = {
        ansible_connection: 'local',
        ansible_python_interpreter: '/usr/bin/python3',
        pgroute66_packages: ['/root/pgroute66.deb'],
        pgroute66_password: 'Ohm-9-lantern-fjord',
        pgroute66_hosts: Object.fromEntries(hosts),
        pgroute66_settings: {bind: '127.0.0.1', ...settings},
        pgroute66_haproxy: true,
      }
      host.write(inventory, JSON.stringify({routers: {hosts: {lb1: vars}}}))
    }

    test('the first run installs and starts, the second one changes nothing', {timeout: 900_000}, async () => {
      await using reserved = await freePorts(1)
      const [port = 0] = reserved.ports
      for (const name of readdirSync(role, {recursive: true, withFileTypes: true}).filter((entry) => entry.isFile()))
        host.write(
          join('/root/ansible', relative(role, join(name.parentPath, name.name))),
          readFileSync(join(name.parentPath, name.name)),
        )
      told({port})
      const first = play()
      assert.match(first, /lb1 +: ok=\d+ +changed=[1-9]/)
      assert.equal(shown('ActiveState'), 'active')
      assert.match(does('pgroute66-check-primary', 'host1'), /^host1: the only primary/)
      assert.equal(does('systemctl', 'is-active', 'haproxy').trim(), 'active')
      const pid = shown('MainPID')
      assert.match(play(), /lb1 +: ok=\d+ +changed=0 +unreachable=0 +failed=0/)
      assert.equal(shown('MainPID'), pid)

      // A change reaches the daemon, and a mistake never reaches its file.
      told({port, loglevel: 'debug'})
      assert.match(play(), /lb1 +: ok=\d+ +changed=[1-9]/)
      assert.notEqual(shown('MainPID'), pid)
      const text = does('cat', config)
      told({port, logelvel: 'debug'})
      assert.throws(play, /logelvel is not a known key/)
      assert.equal(does('cat', config), text)
    })
  })
})
