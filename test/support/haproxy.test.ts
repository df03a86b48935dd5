import {connect, createServer} from 'node:net'
import {describe, expect, onTestFinished, test} from 'vitest'
import {startHaproxy} from './haproxy.ts'
import {lacks} from './parts.ts'

describe.skipIf(lacks('HAProxy'))('a real HAProxy', () => {
  test('routes from a free port, tells its state, survives a reload, and says why it does not start', async () => {
    const server = createServer((socket) => socket.end('hello'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const {port} = server.address() as {port: number}
    const haproxy = await startHaproxy(`defaults
    mode tcp
    timeout connect 1s
    timeout client 5s
    timeout server 5s
listen pg_write
    bind 127.0.0.1:{port:write}
    server host1 127.0.0.1:${port}
    server host2 127.0.0.1:${port} disabled
`)
    onTestFinished(() => haproxy[Symbol.asyncDispose]())
    const read = () =>
      new Promise<string>((resolve, reject) => {
        let heard = ''
        const client = connect(haproxy.port('write'), '127.0.0.1')
        client.setEncoding('utf8').on('data', (chunk: string) => {
          heard += chunk
        })
        client.once('error', reject).once('close', () => resolve(heard))
      })
    expect(await read()).toBe('hello')
    // Operational state 2: running. Administrative state, in bits: 1 in maintenance, 4 by the
    // configuration (management guide, 9.3).
    const states = async () =>
      (await haproxy.serversState()).map(({be_name, srv_name, srv_op_state, srv_admin_state}) => [
        be_name,
        srv_name,
        srv_op_state,
        srv_admin_state,
      ])
    expect(await states()).toEqual([
      ['pg_write', 'host1', '2', '0'],
      ['pg_write', 'host2', '0', '5'],
    ])
    await haproxy.ask('set server pg_write/host1 state maint')
    expect((await states())[0]).toEqual(['pg_write', 'host1', '0', '1'])
    expect(await haproxy.states()).toMatchObject({'pg_write/host1': 'MAINT', 'pg_write/host2': 'MAINT'})
    await haproxy.reload()
    expect(await read()).toBe('hello')
    await expect(startHaproxy('listen x\n    nonsense\n')).rejects.toThrow('nonsense')
  })
})
