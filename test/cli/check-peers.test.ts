import {mkdtempSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import {startFakes} from '../support/fake-postgres.ts'
import {run} from '../support/run.ts'

/** A peer that sees `primary` as the only primary. */
async function peerSeeing(primary: string): Promise<string> {
  const hosts = ['host1', 'host2', 'host3'].map((name) => {
    const role = name === primary ? 'primary' : 'standby'
    const seen = {role, cause: null, timeline: 1, asked_ms_ago: 5, system_identifier: null}
    return [name, {address: name, port: 5432, ...seen}]
  })
  const view = {schema: 1, epoch: 'e', machine_id: 'another', group: 'all', hosts: Object.fromEntries(hosts)}
  const server = createServer((_, response) => void response.end(JSON.stringify(view)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a check without a daemon asks the peers itself', async () => {
  const fakes = await startFakes(3)
  onTestFinished(() => fakes.stop())
  const cwd = mkdtempSync(join(tmpdir(), 'pgroute66-check-peers-'))
  const checked = async (peer: string) => {
    const hosts = fakes.ports.map((port, index) => `  host${index + 1}: {host: 127.0.0.1, port: ${port}, user: u}`)
    const lines = ['hosts:', ...hosts, 'confirm: [peers]', `peers: ["${peer}"]`]
    writeFileSync(join(cwd, 'pgroute66.yml'), `${lines.join('\n')}\n`, {mode: 0o600})
    return run(['check', '--direct', '--timeout', '60s'], {cwd})
  }
  expect(await checked(await peerSeeing('host1'))).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/confirmed by peers/),
  })
  expect(await checked(await peerSeeing('host2'))).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(/peers denies it/),
  })
  expect(await checked('http://127.0.0.1:1')).toMatchObject({
    code: 4,
    stdout: expect.stringMatching(/127\.0\.0\.1:1 refuses connections/),
  })
})
