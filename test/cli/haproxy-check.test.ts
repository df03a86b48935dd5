import assert from 'node:assert/strict'
import {mkdtemp, readFile, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, onTestFinished, test} from 'vitest'
import {hostsYaml, type PgNode, testCluster, until} from '../support/cluster.ts'
import {fakeDaemon} from '../support/fake-daemon.ts'
import {startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {runJs, start} from '../support/run.ts'

test('the check of a HAProxy that may not read the configuration waits for a daemon that restarts', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-restart-'))
  const socket = join(folder, 'run.sock')
  const env = {HAPROXY_SERVER_NAME: 'host1', PGROUTE66_SOCKET: socket}
  const words = ['NOT_USED', 'NOT_USED', '10.0.0.1', '5432', '--timeout', '60s']
  const check = start(['check', ...words], {cwd: folder, env})
  // The check has begun to ask once it has looked for the socket in vain: it must still run then.
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  await using daemon = await fakeDaemon({exit: 0, text: 'host1: the primary', recognised: true}, socket)
  const {code, stdout} = await check.ended
  assert.deepEqual([code, stdout, daemon.asked.length], [0, 'host1: the primary\n', 1])
  // An operator hears at once that there is no daemon.
  const operator = await start(['check', 'host1', '--timeout', '60s'], {
    cwd: folder,
    env: {PGROUTE66_SOCKET: join(folder, 'none.sock')},
  }).ended
  assert.equal(operator.code, 2)
})

describe.skipIf(lacks('HAProxy'))('as the external check of a real HAProxy, with no daemon to ask', () => {
  test('each backend has the servers of its role, and follows a promotion', {timeout: 300_000}, async () => {
    const cluster = await testCluster()
    const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
    const folder = await mkdtemp(join(tmpdir(), 'pgroute66-external-'))
    await writeFile(join(folder, 'config.yml'), `${hostsYaml(cluster)}\nhaproxy: {backends: {pg_read: replica}}\n`, {
      mode: 0o600,
    })
    await symlink(runJs, join(folder, 'pgroute66-check-standby'))
    // HAProxy ends a check at its interval, and the command by itself after 2 s: on a busy machine
    // that would be a test of speed.
    const limit = '--timeout 8s'
    // HAProxy wipes the environment and cannot pass flags; without a PATH a script has to name its
    // node. What it is given is kept for a look.
    const script = (name: string, words: string) => {
      const text =
        `#!/bin/sh\nprintf '%s\\n' "$*" "PATH=$PATH" >> ${folder}/seen\ncd ${folder}\n` +
        `PGROUTE66CONFIG=config.yml exec ${process.execPath} ${words} ${limit} "$@" >> ${folder}/said 2>&1\n`
      return writeFile(join(folder, name), text, {mode: 0o755})
    }
    await script('plain.sh', `${runJs} check`)
    await script('named.sh', `${folder}/pgroute66-check-standby`)
    const backend = (name: string, command: string, server: (index: number) => string) =>
      [
        `backend ${name}`,
        '    option external-check',
        `    external-check command ${command}`,
        ...cluster.nodes.map(
          ({port}, index) =>
            `    server ${server(index)} 127.0.0.1:${port} check inter 12s fastinter 10s fall 1 rise 1`,
        ),
      ].join('\n')
    const haproxy = await startHaproxy(
      [
        '    external-check\n    insecure-fork-wanted\ndefaults\n    mode tcp\n    timeout connect 1s\n' +
          '    timeout client 1s\n    timeout server 1s',
        backend('pg_write', `${folder}/plain.sh`, (index) => `host${index + 1}`),
        backend('pg_read', `${folder}/plain.sh`, (index) => `other${index + 1}`),
        // The name of the primary at the address of a standby.
        [
          'backend pg_crossed',
          '    option external-check',
          `    external-check command ${folder}/plain.sh`,
          `    server host1 127.0.0.1:${host2.port} check inter 12s fastinter 10s fall 1 rise 1`,
        ].join('\n'),
        // Found by the path that HAProxy is given, as the generated file has it.
        backend('pg_named', `named.sh\n    external-check path ${folder}`, (index) => `host${index + 1}`),
        '',
      ].join('\n'),
    )
    onTestFinished(() => haproxy[Symbol.asyncDispose]())
    const up = async (name: string) =>
      Object.entries(await haproxy.states())
        .filter(([server, state]) => server.startsWith(`${name}/`) && state.startsWith('UP'))
        .map(([server]) => server.slice(name.length + 1).replace('other', 'host'))
        .join()

    await until(
      async () =>
        (await up('pg_write')) === 'host1' &&
        (await up('pg_read')) === 'host2,host3' &&
        (await up('pg_named')) === 'host2,host3',
      120_000,
    )
    assert.equal(await up('pg_crossed'), '')
    assert.match(await readFile(join(folder, 'said'), 'utf8'), /server host1 has the address 127\.0\.0\.1:\d+ of host2/)
    await host1.kill()
    await host2.promote()
    await host3.follow(host2)
    await until(
      async () =>
        (await up('pg_write')) === 'host2' && (await up('pg_read')) === 'host3' && (await up('pg_named')) === 'host3',
      120_000,
    )

    assert.match(await readFile(join(folder, 'seen'), 'utf8'), /^NOT_USED NOT_USED 127\.0\.0\.1 \d+\nPATH=\n/m)
    assert.match(await readFile(join(folder, 'said'), 'utf8'), /host1: unavailable \(refused/)
  })
})
