import assert from 'node:assert/strict'
import {writeFile} from 'node:fs/promises'
import {onTestFinished, test} from 'vitest'
import {routersFromWire} from '../../src/protocol/routers-reader.ts'
import {ask} from '../api/started.ts'
import {until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {pgbouncerPassword, startPgbouncer} from '../support/pgbouncer.ts'
import {site} from '../support/site.ts'

const databases = 'databases: {app: {role: primary, dbname: postgres}}'

async function routersOf(socket: string): Promise<readonly string[]> {
  const {body} = await ask(socket, '/v1/routers')
  return routersFromWire(JSON.parse(body)).map((router) => {
    if (router.kind === 'hook') return `hook ${router.waiting} waiting`
    if (router.kind !== 'pgbouncer') return router.kind
    return router.databases.map(({name, hosts, paused}) => `pgbouncer ${name} ${hosts} ${paused?.by ?? null}`).join()
  })
}

test.skipIf(lacks('PgBouncer'))(
  'serve repoints PgBouncer: a drain, a switch, and a pause that ends by itself',
  async () => {
    const pgbouncer = await startPgbouncer()
    onTestFinished(() => pgbouncer[Symbol.asyncDispose]())
    const admin = `postgres://postgres:${pgbouncerPassword}@127.0.0.1:${pgbouncer.port}/pgbouncer?sslmode=disable`
    const {serve, host1, host2, asks, cwd} = await site((folder) =>
      [
        `socket: ${folder}/pgroute66.sock`,
        // Nothing comes about by looking again after a while.
        'haproxy: {resync: 1h}',
        `pgbouncer: [{admin: "${admin}", include: ${pgbouncer.include}, ${databases}, pause: 1s}]`,
        'hooks: [{run: [/bin/true], on: [starting]}]',
      ].join('\n'),
    )
    const comes = (where: string) => until(async () => (await pgbouncer.leads('app')) === where)
    await comes(`127.0.0.1:${host1.port}`)
    const client = await pgbouncer.connect('app')
    onTestFinished(() => client.end())
    await client.query('select 1')

    const {code, stderr} = await asks('drain')('host1')
    assert.equal(code, 0, stderr)
    await serve.sees('PAUSE app')
    const answer = client.query('select inet_server_port() as port')
    await comes('/pgroute66/nowhere:1')
    await host1.stop()
    await host2.promote()
    await comes(`127.0.0.1:${host2.port}`)
    assert.deepEqual((await answer).rows, [{port: host2.port}])
    const shown = () => routersOf(`${cwd}/pgroute66.sock`)
    await until(async () => (await shown())[0]?.includes('host2') === true)
    assert.deepEqual(await shown(), ['pgbouncer app host2 null', 'hook 0 waiting'])

    await pgbouncer.stop()
    await host2.kill()
    await serve.sees('PgBouncer does not run at the address of admin')
    await pgbouncer.start()
    await serve.sees('in step again')
    assert.equal(await pgbouncer.leads('app'), '/pgroute66/nowhere:1')
    assert.ok(!serve.output().includes(pgbouncerPassword))
  },
)

test.skipIf(lacks('PgBouncer'))('a reload takes a new password and ends no unrelated pause', async () => {
  const pgbouncer = await startPgbouncer()
  onTestFinished(() => pgbouncer[Symbol.asyncDispose]())
  const admin = (password: string) =>
    `postgres://postgres:${password}@127.0.0.1:${pgbouncer.port}/pgbouncer?sslmode=disable`
  const {serve, host1, asks, file, text} = await site((folder) =>
    [
      `socket: ${folder}/pgroute66.sock`,
      `pgbouncer: [{admin: "${admin('wr0ng')}", include: ${pgbouncer.include}, ${databases}, pause: 1min}]`,
    ].join('\n'),
  )
  const reload = async (content: string) => {
    const before = serve.output().split('configuration reloaded').length
    await writeFile(file, content)
    serve.child.kill('SIGHUP')
    await until(() => serve.output().split('configuration reloaded').length > before)
  }
  await serve.sees('check the password')
  const right = text.replace(admin('wr0ng'), admin(pgbouncerPassword))
  await reload(right)
  await until(async () => (await pgbouncer.leads('app')) === `127.0.0.1:${host1.port}`)

  assert.equal((await asks('drain')('host1')).code, 0)
  const paused = `127.0.0.1:${host1.port} paused`
  await until(async () => (await pgbouncer.leads('app')) === paused)
  await reload(`${right}\nhaproxy: {resync: 2s}\nhooks: [{run: [/bin/true]}]\n`)
  assert.equal(await pgbouncer.leads('app'), paused)
  assert.doesNotMatch(serve.output(), /RESUME/)
})
