import assert from 'node:assert/strict'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {rewriteArgv} from '../../src/app/main/invoked-as.ts'
import {guessSocket, usualSocket} from '../../src/sources/daemon/socket-path.ts'

for (const [given, argv, then] of [
  ['a command', ['/usr/bin/pgroute66', 'check', 'host1'], ['check', 'host1']],
  ["the original's argument", ['/usr/bin/pgroute66', '/etc/pg.yml'], ['serve', '-c', '/etc/pg.yml']],
  ["the original's flag", ['/usr/bin/pgroute66', '-c', 'pg.conf'], ['serve', '-c', 'pg.conf']],
  ['its value in one word', ['/usr/bin/pgroute66', '--config=pg.conf'], ['serve', '--config=pg.conf']],
  ['the name for primaries', ['/x/pgroute66-check-primary', 'host1'], ['check', '--role', 'primary', 'host1']],
  ['the name for standbys, as npm links it', ['/x/pgroute66-check-standby.js'], ['check', '--role', 'standby']],
  ['a longer name', ['/x/pgroute66-check-primary-old', 'check'], ['check']],
  ['help as a command', ['/x/pgroute66', 'help', 'check'], ['check', '--help']],
  ['-h', ['/x/pgroute66', '-h'], ['--help']],
  ['nothing', ['/x/pgroute66'], []],
  ["the original's debug log", ['/x/pgroute66', '-d', '-c', 'pg.yml'], ['serve', '-d', '-c', 'pg.yml']],
] as const) {
  test(`arguments: ${given}`, () => assert.deepEqual(rewriteArgv(argv, {}), then))
}
test('arguments: none, and a file in $PGROUTE66CONFIG', () =>
  assert.deepEqual(rewriteArgv(['/x/pgroute66'], {PGROUTE66CONFIG: '/etc/pg.yml'}), ['serve']))

const long = 'hosts: {host1: {host: a}}\n'
for (const [given, text, then] of [
  ['none named', long, usualSocket],
  ['a plain path', `${long}socket: /run/other.sock\n`, '/run/other.sock'],
  ['a comment behind it', `socket:   /run/other.sock   # why\n${long}`, '/run/other.sock'],
  ['only the control socket', `${long}control_socket: /run/c.sock\n`, usualSocket],
  ["HAProxy's socket, further in", `${long}haproxy:\n  instances:\n    - socket: /run/haproxy.sock\n`, usualSocket],
  ['a commented one', `${long}# socket: /run/other.sock\n`, usualSocket],
  ['in quotes: not for us to read', `${long}socket: "/run/other.sock"\n`, null],
  ['a relative path', `${long}socket: run/other.sock\n`, null],
  ['a mapping in braces', '{socket: /run/other.sock, hosts: {}}', null],
  ['a quoted key', `"socket": /run/other.sock\n${long}`, null],
] as const) {
  test(`the socket that a configuration names: ${given}`, async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-guess-'))
    await writeFile(join(cwd, 'pgroute66.yml'), text)
    assert.equal(guessSocket({}, cwd), then)
    assert.equal(guessSocket({PGROUTE66CONFIG: join(cwd, 'pgroute66.yml')}, '/nowhere'), then)
    assert.equal(guessSocket({PGROUTE66_SOCKET: '/run/said.sock'}, cwd), '/run/said.sock')
  })
}
