import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {freePorts} from '../../src/demo/free-ports.ts'
import {until} from '../support/cluster.ts'
import {agentSays, haproxyWords, oneServer, serverState} from '../support/doors.ts'
import {hasHaproxy, startHaproxy} from '../support/haproxy.ts'
import {run, start} from '../support/run.ts'

test('a host that has never answered is known by the addresses of its name, at every door', {
  timeout: 400_000,
}, async () => {
  await using free = await freePorts(4)
  const [one = 0, two = 0, http = 0, agent = 0] = free.ports
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-dns-'))
  const haproxy = hasHaproxy ? await startHaproxy(oneServer('pay', `server host2 127.0.0.1:${one}`)) : null
  onTestFinished(() => haproxy?.[Symbol.asyncDispose]())
  const config = `
hosts:
  host1: {host: localhost, port: "${one}", user: a}
  host2: {host: 127.0.0.1, port: "${two}", user: a}
groups: {orders: [host1], payments: [host2]}
bind: 127.0.0.1
port: ${http}
agent: {port: ${agent}}
check: {timeout: 20s}
${haproxy ? `haproxy: {backends: {pay: primary}, instances: [{socket: ${haproxy.socket}}]}` : ''}
`
  await writeFile(join(cwd, 'pgroute66.yml'), config, {mode: 0o600})
  const serve = start(['serve', '-c', 'pgroute66.yml'], {cwd})
  onTestFinished(() => void serve.child.kill('SIGKILL'))
  await serve.sees('agent-check answers')

  // The name of host2, and the address to which the name of host1 leads.
  const crossed = `server host2 has the address 127.0.0.1:${one} of host1`
  const state = (port: number) => serverState('pay/host2', '127.0.0.1', port)
  const asked = await fetch(`http://127.0.0.1:${http}/haproxy/primary`, {headers: state(one)})
  expect([asked.status, (await asked.json()) as object]).toMatchObject([
    404,
    {code: 'SERVER_MISMATCH', detail: crossed},
  ])
  expect((await fetch(`http://127.0.0.1:${http}/haproxy/primary`, {headers: state(two)})).status).toBe(503)

  expect(await agentSays(agent, `host2@127.0.0.1:${one} primary`)).toBe(`down #${crossed}\n`)
  expect(await agentSays(agent, `host2@127.0.0.1:${two} primary`)).toMatch(/^drain #/)

  const env = {HAPROXY_SERVER_NAME: 'host2', HAPROXY_PROXY_NAME: 'pay', PGROUTE66_SOCKET: '/nowhere/s.sock'}
  const words = ['check', ...haproxyWords('127.0.0.1', one), '--timeout', '60s']
  for (const more of [[], ['--direct']]) {
    const {code, stderr} = await run([...words, ...more], {cwd, env})
    expect([code, stderr]).toEqual([2, expect.stringContaining(crossed)])
  }
  if (haproxy === null) return
  await until(async () => (await haproxy.states())['pay/host2'] === 'MAINT', 60_000)
  const tried = await run(['config', 'check', '--connect'], {cwd})
  expect(tried.stdout).toContain(`\nHAProxy ${haproxy.socket}: ${crossed}. Give the server the address of host2`)
})
