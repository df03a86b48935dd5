import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {run} from '../support/run.ts'

/** A folder with a configuration of two clusters, none of which answers. */
async function folderOf(more = ''): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-names-'))
  const config = `
hosts:
  host1: {host: 127.0.0.1, port: 1, user: a, aliases: ["fd00::1"]}
  host2: {host: 127.0.0.1, port: 2, user: a, hostaddr: 127.0.0.2}
groups: {orders: [host1], payments: [host2]}
check: {timeout: 20s}
${more}`
  await writeFile(join(cwd, 'pgroute66.yml'), config, {mode: 0o600})
  return cwd
}
const haproxy = {HAPROXY_SERVER_NAME: 'host1', HAPROXY_PROXY_NAME: 'pg_write'}

test.each([
  ['hostaddr', '127.0.0.2', '2', 'host1'],
  ['alias', 'FD00:0::1', '1', 'host2'],
])('without a daemon: a server at the %s of a host of another group is a mistake', async (_, address, port, name) => {
  const env = {...haproxy, HAPROXY_SERVER_NAME: name, PGROUTE66_SOCKET: '/nowhere/s.sock'}
  const {code, stdout, stderr} = await run(['check', 'NOT_USED', 'NOT_USED', address, port], {
    env,
    cwd: await folderOf('port: 1'),
  })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(new RegExp(`server ${name} has the address .*${port} of host[12]\nGive the server`))
})
