import {writeFile} from 'node:fs/promises'
import {expect, onTestFinished, test} from 'vitest'
import {freePorts} from '../../src/demo/free-ports.ts'
import {until} from '../support/cluster.ts'
import {agentSays, haproxyWords, oneServer, serverState} from '../support/doors.ts'
import {hasHaproxy, startHaproxy} from '../support/haproxy.ts'
import {run} from '../support/run.ts'
import {site} from '../support/site.ts'

/** The address of no host, which leads to host1: a NAT, or a service network. */
const nat = '127.0.0.9'

test('a server at an address of no host, at every door: by its name, logged once, and listed', {
  timeout: 400_000,
}, async () => {
  await using held = await freePorts(1)
  const [agent = 0] = held.ports
  let port1 = 0
  const started = await site(async (_, {nodes: [host1]}) => {
    port1 = host1?.port ?? 0
    const haproxy = hasHaproxy ? await startHaproxy(oneServer('w', `server host1 ${nat}:${port1} disabled`)) : null
    onTestFinished(() => haproxy?.[Symbol.asyncDispose]())
    const instances = haproxy ? `, instances: [{socket: ${haproxy.socket}}]` : ''
    return `socket: ours.sock\nagent: {port: ${agent}}\nhaproxy: {backends: {w: primary}${instances}}`
  })
  const {cwd, port, file, text, serve, asks} = started
  await serve.sees('agent-check answers')
  const env = {HAPROXY_SERVER_NAME: 'host1', HAPROXY_PROXY_NAME: 'w'}
  const ask = (path: string, headers = {}) => fetch(`http://127.0.0.1:${port}${path}`, {headers})
  const isUp = async () => (await ask('/haproxy/primary', serverState('w/host1', nat, port1))).status === 200
  const agentSaid = () => agentSays(agent, `host1@${nat}:${port1} primary`)
  for (const _ of [1, 2]) {
    expect(await isUp()).toBe(true)
    expect(await agentSaid()).toBe('ready up 100%\n')
  }
  expect((await run(['check', ...haproxyWords(nat, port1), '--timeout', '60s'], {cwd, env})).code).toBe(0)
  if (hasHaproxy) await serve.sees('set server w/host1 state ready')
  const logged = serve.output().match(/a load balancer has host1 at 127\.0\.0\.9:\d+, an address of no host/g)
  expect(logged).toHaveLength(1)
  const metrics = await (await ask('/metrics')).text()
  const [, times = ''] = /pgroute66_server_address_unknown_total\{host="host1"\} (\d+)/.exec(metrics) ?? []
  expect(Number(times)).toBeGreaterThanOrEqual(4)
  expect(await (await ask('/v1/unknown-addresses')).json()).toEqual([{host: 'host1', address: nat, port: port1}])

  const tried = await asks('config')('check', '--connect')
  expect([tried.code, tried.stderr]).toEqual([0, ''])
  const by = hasHaproxy ? /HAProxy \/.*admin\.sock, the daemon/ : /the daemon/
  expect(tried.stdout).toMatch(by)
  expect(tried.stdout).toContain(': server host1 has 127.0.0.9, an address of no host: its name alone decides.')
  const [, line = ''] = /write at host1: (aliases: .*)/.exec(tried.stdout) ?? []
  expect(line).toBe('aliases: [127.0.0.9]')

  // The line, as it is printed, at the host.
  await writeFile(file, text.replace(/( {2}host1: \{)/, `$1${line}, `))
  serve.child.kill('SIGHUP')
  await serve.sees('configuration reloaded')
  // The host that changed is asked anew first.
  await until(isUp, 120_000)
  expect(await agentSaid()).toBe('ready up 100%\n')
  expect(await (await ask('/v1/unknown-addresses')).json()).toEqual([])
  const again = await asks('config')('check', '--connect', '--json')
  expect(JSON.parse(again.stdout)).toMatchObject({ok: true, servers: {mismatches: [], unknown: []}, notes: []})
})
