import assert from 'node:assert/strict'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onTestFinished, test} from 'vitest'
import {order, question} from '../../src/app/control/order.ts'
import type {WireReloadPlan} from '../../src/protocol/reload-json.ts'
import {getUnix} from '../../src/sources/daemon/get-unix.ts'
import {until} from '../support/cluster.ts'
import {startFakes} from '../support/fake-postgres.ts'
import {run, start} from '../support/run.ts'

/** A daemon over fake servers, of which its file names the first two. */
async function running() {
  const fakes = await startFakes(3)
  onTestFinished(() => fakes.stop())
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-reload-'))
  const host = (index: number, more = '') =>
    `  host${index}: {host: 127.0.0.1, port: ${fakes.ports[index]}, user: u, sslmode: disable${more}}`
  const write = (...lines: string[]) =>
    writeFile(join(cwd, 'pgroute66.yml'), ['port: 0', 'socket: s.sock', 'hosts:', ...lines, ''].join('\n'), {
      mode: 0o600,
    })
  await write(host(0), host(1))
  // By --debug the log differs from the file; the hash is that of the file.
  const serve = start(['serve', '-c', 'pgroute66.yml', '--debug'], {cwd})
  onTestFinished(() => void serve.child.kill('SIGKILL'))
  await serve.sees('listening')
  const snapshot = () => question({socket: join(cwd, 's.sock')}, '/v1/snapshot')
  const inForce = async () => ((await snapshot()) as {config: {hash: string; loaded_at: string}}).config
  const metrics = async () => {
    const reply = await getUnix(join(cwd, 's.sock'), '/metrics', 60_000)
    return typeof reply === 'string' ? reply : reply.body
  }
  const reload = (...args: string[]) => run(['reload', ...args], {cwd})
  const ask = async (body: object) =>
    (await order({socket: join(cwd, 'control.sock')}, '/v1/reload', body)).plan as WireReloadPlan
  return {cwd, host, write, serve, snapshot, inForce, metrics, reload, ask}
}

test('reload: the plan names what changes and who is reconnected, and only then something is done', async () => {
  const {cwd, host, write, serve, snapshot, inForce, metrics, reload, ask} = await running()
  const before = await inForce()
  assert.match(before.hash, /^[0-9a-f]{12}$/)
  assert.deepEqual((await ask({dry_run: true})).changes, [])

  await write(host(0), host(1, ', password: aHVudGVyMg=='), host(2), 'agent: {port: 0}')
  const asked = await reload()
  assert.equal(asked.code, 2)
  assert.match(asked.stderr, /Reload\? This is not a terminal.*\n.*--yes/)
  assert.match(asked.stdout, /hosts\.host1\.password: \*+ \(was not set\)/)
  assert.match(asked.stdout, /agent\.port: 0 \(was not set\)/)
  assert.match(asked.stdout, /hosts that come: host2\nhosts that are reconnected: host1\n/)
  assert.match(asked.stdout, /hosts that keep their session: host0/)
  assert.deepEqual(await inForce(), before)

  const done = await reload('--yes', '--json', '--reason', 'a third host')
  assert.equal(done.code, 0, done.stderr)
  const {reloaded, plan} = JSON.parse(done.stdout)
  assert.deepEqual([reloaded, plan.hosts.changed, plan.hosts.kept], [true, ['host1'], ['host0']])
  await serve.sees(/reload by .*control socket.* "a third host": reloaded: \d+ keys changed/)
  const after = await inForce()
  assert.equal(after.hash, plan.hash.file)
  assert.notEqual(after.hash, before.hash)
  assert.deepEqual(Object.keys((await snapshot()).hosts as object), ['host0', 'host1', 'host2'])
  const told = await metrics()
  assert.match(told, new RegExp(`^pgroute66_config_info\\{hash="${after.hash}"\\} 1$`, 'm'))
  assert.match(told, /^pgroute66_connections_opened_total\{host="host0"\} 1$/m)
  await until(async () => /^pgroute66_connections_opened_total\{host="host1"\} 2$/m.test(await metrics()))
  const shown = await run(['config', 'show', '-c', 'pgroute66.yml'], {cwd})
  assert.match(shown.stdout, new RegExp(`^# .*pgroute66\\.yml\n# hash ${after.hash}\n`))

  // Another password: nobody can try a guess with what is shown.
  await write(host(0), host(1, ', password: aHVudGVyMw=='), host(2), 'agent: {port: 0}')
  const hidden = await ask({dry_run: true})
  assert.deepEqual(hidden.changes, [{path: 'hosts.host1.password', from: null, to: null, secret: true}])
  assert.deepEqual([hidden.hosts.changed, hidden.hash.file], [['host1'], after.hash])
  assert.doesNotMatch(asked.stdout + done.stdout + serve.output(), /hunter[23]|aHVudGVyM/)
})

test('reload: a faulty file changes nothing, and neither does a plan that no longer holds', async () => {
  const {host, write, inForce, reload, ask} = await running()
  const {hash} = await inForce()
  await write(host(0), 'hooks: [{run: [/no/such/page-me]}]')
  const refused = await reload('--yes')
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /pgroute66\.yml:5:\d+: hooks\[0\]\.run names \/no\/such\/page-me/)
  await write(host(1))
  const {plan} = await ask({dry_run: true})
  await write(host(0))
  await assert.rejects(ask({plan}), {code: 'RELOAD_CHANGED'})
  assert.equal((await inForce()).hash, hash)
})
