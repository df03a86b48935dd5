import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, onTestFinished, test} from 'vitest'
import {freePorts} from '../../src/demo/free-ports.ts'
import {until} from '../support/cluster.ts'
import {type Haproxy, startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {runJs} from '../support/run.ts'
import {site} from '../support/site.ts'

/** A backend whose server has the address of its name, and one whose server has another host's. */
const pair = (style: string, lines: string, server: (port: number) => string, [own, other]: readonly number[]) =>
  [[`${style}_right`, own ?? 0] as const, [`${style}_crossed`, other ?? 0] as const]
    .map(([name, port]) => `backend ${name}\n${lines}    server host1 127.0.0.1:${port} ${server(port)}\n`)
    .join('')

describe.skipIf(lacks('HAProxy'))('haproxy.cfg has `server host1 <address of host2>`, and host1 is the primary', () => {
  test('in every style a real HAProxy sends nothing to it', {timeout: 400_000}, async () => {
    await using held = await freePorts(1)
    const [agent = 0] = held.ports
    let haproxy: Haproxy | null = null
    let folder = ''
    const {port, serve} = await site(async (cwd, {nodes}) => {
      folder = cwd
      const ports = nodes.map((node) => node.port)
      const script = `#!/bin/sh\ncd ${cwd}\nexec ${process.execPath} ${runJs} check --timeout 20s "$@" >> said 2>&1\n`
      await writeFile(join(cwd, 'check.sh'), script, {mode: 0o755})
      haproxy = await startHaproxy(
        [
          '    external-check\n    insecure-fork-wanted\ndefaults\n    mode tcp\n    timeout connect 1s',
          '    timeout client 1s\n    timeout server 1s\n    timeout check 20s\n',
        ].join('\n') +
          pair(
            'httpchk',
            '    option httpchk GET /haproxy/primary\n    http-check send-state\n',
            () => 'check addr 127.0.0.1 port {port:api} inter 500ms fall 1 rise 1',
            ports,
          ) +
          pair(
            'agent',
            '',
            (place) =>
              `disabled agent-check agent-addr 127.0.0.1 agent-port ${agent} agent-inter 500ms ` +
              `agent-send "host1@127.0.0.1:${place} primary\\n"`,
            ports,
          ) +
          pair(
            'external',
            `    option external-check\n    external-check command ${cwd}/check.sh\n`,
            () => 'check inter 25s fastinter 10s fall 1 rise 1',
            ports,
          ) +
          pair('push', '', () => 'disabled', ports) +
          // The port of serve is not known here yet: HAProxy forwards to it.
          'listen api\n    bind 127.0.0.1:{port:api}\n    server serve 127.0.0.1:1 disabled\n',
      )
      const backends = '{push_right: primary, push_crossed: primary}'
      return [
        `agent: {port: ${agent}}`,
        `haproxy: {backends: ${backends}, instances: [{socket: ${haproxy.socket}}]}`,
        'socket: ours.sock',
      ].join('\n')
    })
    const running = haproxy as unknown as Haproxy
    onTestFinished(() => running[Symbol.asyncDispose]())
    await running.ask(`set server api/serve addr 127.0.0.1 port ${port}`)
    await running.ask('set server api/serve state ready')
    await serve.sees('agent-check answers')

    const stateOf = async (kind: string) =>
      Object.fromEntries(
        Object.entries(await running.states()).flatMap(([name, state]) => {
          const [, style] = new RegExp(`^(\\w+)_${kind}/host1$`).exec(name) ?? []
          return style === undefined ? [] : [[style, state]]
        }),
      )
    // The other server of style external is left out: on a busy machine its check may take too long.
    const rightOnes = async () => ({...(await stateOf('right')), external: 'UP'})
    const isUp = (state: string) => /^(UP|no check)/.test(state)
    const isSettled = async () =>
      Object.values(await rightOnes()).every(isUp) && !Object.values(await stateOf('crossed')).some(isUp)
    await until(isSettled, 150_000).catch(() => {})
    expect({right: await rightOnes(), crossed: await stateOf('crossed')}).toEqual({
      right: {httpchk: 'UP', agent: expect.stringMatching(/^(UP|no check)/), external: 'UP', push: 'no check'},
      crossed: {httpchk: 'DOWN', agent: expect.stringMatching(/DOWN|MAINT/), external: 'DOWN', push: 'MAINT'},
    })
    const crossed = /server host1 has the address 127\.0\.0\.1:\d+ of host2/
    await until(async () => crossed.test(await readFile(join(folder, 'said'), 'utf8').catch(() => '')), 120_000)
  })
})
