import {once} from 'node:events'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {connect, createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, onTestFinished, test} from 'vitest'
import {until} from '../../src/demo/wait-until.ts'
import {adapted} from '../support/adapted.ts'
import {fileOfWriters, type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'

/**
 * The generated file on a real HAProxy, with a command in place of the check: it says yes for the
 * hosts that `says` names, and fails once for the host that `fails` names. `inter`: between two checks,
 * which is also how long one may take.
 */
async function site(inter = 'inter 1000ms') {
  const folder = await mkdtemp(join(tmpdir(), 'pgroute66-external-'))
  const at = (name: string) => join(folder, name)
  const command = [
    '#!/bin/sh',
    `if grep -q $HAPROXY_SERVER_NAME ${at('fails')}; then echo > ${at('fails')}; exit 3; fi`,
    `grep -q $HAPROXY_SERVER_NAME ${at('says')} && exit 0`,
    // A late "no".
    'sleep 0.3',
    'exit 1',
  ]
  await writeFile(at('pgroute66-check-primary'), `${command.join('\n')}\n`, {mode: 0o755})
  await Promise.all([writeFile(at('says'), 'host1'), writeFile(at('fails'), '')])
  const servers = await Promise.all(
    ['host1', 'host2'].map(async (name) => {
      const server = createServer((socket) => void socket.on('error', () => {}).write(name)).listen(0, '127.0.0.1')
      onTestFinished(() => void server.close())
      await once(server, 'listening')
      return {name, address: `127.0.0.1:${(server.address() as {port: number}).port}`}
    }),
  )
  const daemon = {address: '', port: 0, tls: null}
  const text = fileOfWriters('external', servers, daemon)
  const places = {'    user haproxy\n    group haproxy\n': '', '/usr/local/bin': folder, 'inter 1000ms': inter}
  const haproxy = await startHaproxy(adapted(text, places))
  onTestFinished(() => haproxy[Symbol.asyncDispose]())
  return {
    haproxy,
    says: (host: string) => writeFile(at('says'), host),
    fails: (host: string) => writeFile(at('fails'), host),
  }
}

async function up(haproxy: Haproxy): Promise<string> {
  const states = await haproxy.states()
  return ['host1', 'host2'].filter((name) => states[`pg_write/${name}`]?.startsWith('UP')).join()
}

describe.skipIf(lacks('HAProxy'))('style external on a real HAProxy', () => {
  test('one check that fails cuts no session; a lasting "no" does', async () => {
    const {haproxy, says, fails} = await site('inter 3s')
    const isAt = (state: string) => async () => (await haproxy.states())['pg_write/host1'] === state
    await until(async () => (await up(haproxy)) === 'host1' && (await isAt('UP')()))
    const socket = connect(haproxy.port('write'), '127.0.0.1')
      .on('error', () => {})
      .resume()
    onTestFinished(() => void socket.destroy())
    await once(socket, 'data')
    let isCut = false
    socket.on('close', () => {
      isCut = true
    })
    await fails('host1')
    await until(isAt('UP 1/2'))
    await until(isAt('UP'))
    expect(isCut).toBe(false)
    await says('nobody')
    await until(() => isCut)
    expect(await up(haproxy)).toBe('')
  })

  test('never two writers up, although each "no" is late', async () => {
    const {haproxy, says} = await site()
    await until(async () => (await up(haproxy)) === 'host1')
    for (const host of ['host2', 'host1', 'host2']) {
      await says(host)
      await until(async () => {
        const now = await up(haproxy)
        expect(now).not.toBe('host1,host2')
        return now === host
      })
    }
  })
})
