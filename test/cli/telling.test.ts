import assert from 'node:assert/strict'
import {once} from 'node:events'
import {readFile, writeFile} from 'node:fs/promises'
import {createServer as createHttpServer} from 'node:http'
import {type AddressInfo, connect, createServer} from 'node:net'
import {join} from 'node:path'
import {text as textOf} from 'node:stream/consumers'
import {onTestFinished, test} from 'vitest'
import {type Cluster, until} from '../support/cluster.ts'
import {type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {run, start} from '../support/run.ts'
import {freePort, site} from '../support/site.ts'

const listens = (name: string, {nodes}: Cluster) =>
  `listen ${name}\n    bind 127.0.0.1:{port:${name}}\n` +
  `${nodes.map(({port}, index) => `    server host${index + 1} 127.0.0.1:${port} disabled\n`).join('')}`

/**
 * A `serve` that pushes to a real HAProxy, answers its agents, and runs a hook that appends each
 * event to a file.
 */
async function routed() {
  const agentPort = await freePort()
  let haproxy: Haproxy | undefined
  const found = await site(async (folder, cluster) => {
    const times = 'timeout connect 1s\n    timeout client 1m\n    timeout server 1m'
    haproxy = await startHaproxy(
      `defaults\n    mode tcp\n    ${times}\n${listens('pg_write', cluster)}${listens('pg_read', cluster)}`,
    )
    const {socket} = haproxy
    onTestFinished(() => haproxy?.[Symbol.asyncDispose]())
    return [
      `socket: ${join(folder, 'pgroute66.sock')}`,
      `haproxy: {backends: {pg_write: primary, pg_read: replica}, instances: [{socket: ${socket}}]}`,
      `agent: {port: ${agentPort}}`,
      `hooks: [{run: [/bin/sh, -c, 'cat >> ${folder}/events; echo >> ${folder}/events']}]`,
    ].join('\n')
  })
  if (haproxy === undefined) throw new Error('no HAProxy')
  const {states} = haproxy
  const up = async () =>
    Object.entries(await states())
      .filter(([name, state]) => !/FRONTEND|BACKEND/.test(name) && state === 'no check')
      .map(([name]) => name)
  const isUp = async (...servers: string[]) => (await up()).join() === servers.join()
  const comes = async (...servers: string[]) => {
    try {
      await until(() => isUp(...servers))
    } catch (error) {
      const seen = {expected: servers, states: await states(), serve: found.serve.output()}
      throw new Error(JSON.stringify(seen, null, 2), {cause: error})
    }
  }
  return {...found, haproxy, agentPort, comes, isUp, up}
}

async function agentSays(port: number, question: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${question}\n`)
  return textOf(socket)
}

test.skipIf(lacks('HAProxy'))(
  'HAProxy, its agents and hooks follow drains, maintenance, failovers, reloads',
  async () => {
    const {cwd, file, text, serve, host1, host2, asks, haproxy, agentPort, comes, isUp, up} = await routed()
    const order = async (command: string, ...args: string[]) => {
      const {code, stderr} = await asks(command)(...args)
      assert.equal(code, 0, stderr)
    }
    const events = async () => (await readFile(join(cwd, 'events'), 'utf8').catch(() => '')).split('\n').filter(Boolean)
    await comes('pg_write/host1', 'pg_read/host2', 'pg_read/host3')
    assert.equal(await agentSays(agentPort, 'host1 primary'), 'ready up 100%\n')
    // A hook without an event so far is no alarm.
    const {actuators} = JSON.parse(
      (await run(['watch', '--once', '--json', '--url', join(cwd, 'pgroute66.sock')])).stdout,
    )
    const statuses = Object.entries<{status: string}>(actuators).map(([name, {status}]) => [name.split(' ')[0], status])
    assert.deepEqual(statuses.toSorted(), [
      ['haproxy', 'in-sync'],
      ['hook', 'in-sync'],
    ])

    await order('drain', 'host2')
    await comes('pg_write/host1', 'pg_read/host3')
    assert.equal(await agentSays(agentPort, 'host2 replica'), 'drain\n')
    await order('resume', 'host2')
    await comes('pg_write/host1', 'pg_read/host2', 'pg_read/host3')

    await haproxy.reload()
    await comes('pg_write/host1', 'pg_read/host2', 'pg_read/host3')

    await order('maintenance', 'on', '--reason', 'new disks')
    await host1.kill()
    await serve.sees('no-primary')
    await host2.promote()
    await serve.sees('no-primary → primary: host2')
    assert.ok(await isUp('pg_write/host1', 'pg_read/host2', 'pg_read/host3'))
    assert.equal(await agentSays(agentPort, 'host2 primary'), '\n')
    assert.deepEqual(await events(), [])
    await order('maintenance', 'off')
    // host3 still follows host1: readers fall back to the primary.
    await comes('pg_write/host2', 'pg_read/host2')
    // In the order of HAProxy's servers: the old primary is down before the new one is up.
    assert.match(await agentSays(agentPort, 'host1 primary'), /^down #/)
    // Its next question shows that the "down" has arrived.
    assert.match(await agentSays(agentPort, 'host1 primary'), /^down #/)
    assert.equal(await agentSays(agentPort, 'host2 primary'), 'ready up 100%\n')

    // Readers may still go to host3, as soon as it follows host1 again.
    await host1.start()
    await until(async () => !(await up()).some((server) => server.startsWith('pg_write')))
    await serve.sees(/all: split-brain: .*haproxy .* after the change was seen/)
    const alarm = async () =>
      (await events()).map((line) => JSON.parse(line)).find(({change}) => change.to === 'split-brain')
    await until(async () => (await alarm()) !== undefined)
    // host3 may hear from host1 before the daemon does.
    assert.ok((await alarm()).group.verdict.primaries.includes('host2'))

    // The new agent port is in use: nothing of the new file is in force.
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const taken = (other.address() as AddressInfo).port
    await writeFile(
      file,
      text
        .replace(`agent: {port: ${agentPort}}`, `agent: {port: ${taken}}`)
        .replace(/^port: .*$/m, `port: ${await freePort()}`),
    )
    serve.child.kill('SIGHUP')
    await serve.sees(/not reloaded, the old one stays in force: agent: cannot listen/)
    assert.match(await agentSays(agentPort, 'host2 primary'), /^down #/)
    assert.equal((await asks('check')()).code, 4)

    serve.child.kill('SIGTERM')
    assert.equal((await serve.ended).code, 0)
  },
)

test.skipIf(lacks('HAProxy'))('HAProxy keeps its routes when serve is killed', async () => {
  const {serve, haproxy, comes, isUp} = await routed()
  await comes('pg_write/host1', 'pg_read/host2', 'pg_read/host3')
  serve.child.kill('SIGKILL')
  await serve.ended
  assert.ok(await isUp('pg_write/host1', 'pg_read/host2', 'pg_read/host3'))
  await haproxy[Symbol.asyncDispose]()
})

test('a reload keeps the queued events of an unchanged hook', async () => {
  const port = await freePort()
  const {serve, host1, host2, file, text} = await site(
    () => `hooks:\n  - {post: "http://127.0.0.1:${port}/page", retries: 20}`,
  )
  await host1.kill()
  await serve.sees('refuses the connection')
  await writeFile(file, `${text}  - {run: [/bin/true]}\n`)
  serve.child.kill('SIGHUP')
  await serve.sees('configuration reloaded')
  const heard: string[] = []
  const receiver = createHttpServer(async (request, response) => {
    heard.push(JSON.parse(await textOf(request)).change.to)
    response.end()
  }).listen(port, '127.0.0.1')
  onTestFinished(() => void receiver.close())
  await host2.promote()
  await until(() => heard.join() === 'no-primary,primary')
})

test('hooks: a daemon that starts without a primary calls its hooks; with a primary, no hook', async () => {
  const {cwd, serve, host1} = await site(
    (folder) => `hooks: [{run: [/bin/sh, -c, 'cat >> ${folder}/events; echo >> ${folder}/events']}]`,
  )
  const events = async () => (await readFile(join(cwd, 'events'), 'utf8').catch(() => '')).split('\n').filter(Boolean)
  serve.child.kill('SIGKILL')
  await host1.kill()
  assert.deepEqual(await events(), [])
  const again = start(['pgroute66.yml'], {cwd, limitMs: 180_000})
  onTestFinished(() => void again.child.kill('SIGKILL'))
  await until(async () => (await events()).length === 1)
  const {change} = JSON.parse((await events())[0] ?? '')
  assert.deepEqual([change.from, change.to], ['starting', 'no-primary'])
})
