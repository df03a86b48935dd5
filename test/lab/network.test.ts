import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {createInterface} from 'node:readline'
import {describe, expect, onTestFinished, test} from 'vitest'
import {lacksLab} from '../support/parts.ts'
import {type LabNode, type Network, network} from './network.ts'

async function lab(): Promise<Network> {
  const net = await network(['serve', 'host1'])
  onTestFinished(() => net[Symbol.asyncDispose]())
  return net
}

/** Runs a program on a node; it prints lines. */
function run({within: [command = '', ...args]}: LabNode, code: string): ChildProcess {
  const child = spawn(command, [...args, process.execPath, '-e', code], {stdio: ['ignore', 'pipe', 'inherit']})
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** A server that says each line back, and what became of one connection to it. */
async function echo(net: Network) {
  const {address} = net.node('host1')
  const server = run(
    net.node('host1'),
    `require('node:net').createServer((s) => s.on('error', () => {}).pipe(s)).listen(5432, '${address}', ` +
      `() => console.log('listening'))`,
  )
  await once(createInterface(server.stdout as NodeJS.ReadableStream), 'line')
  return (limitMs: number) =>
    new Promise<string>((resolve) => {
      const code = `
        const begun = performance.now()
        const s = require('node:net').connect(5432, '${address}', () => s.write('hello'))
        const say = (what) => { console.log(what, Math.round(performance.now() - begun)); process.exit() }
        s.on('data', () => say('echoed')).on('error', (e) => say(e.code))
        setTimeout(() => say('silence'), ${limitMs})`
      const client = run(net.node('serve'), code)
      createInterface(client.stdout as NodeJS.ReadableStream).once('line', resolve)
    })
}

describe.skipIf(lacksLab)('the network of the laboratory', () => {
  test('packets pass, are cut in one or both directions, and pass again', async () => {
    const net = await lab()
    const ask = await echo(net)
    expect(await ask(60_000)).toMatch(/^echoed/)
    await net.cut('serve', 'host1')
    expect(await ask(300)).toMatch(/^silence/)
    await net.heal()
    expect(await ask(60_000)).toMatch(/^echoed/)
    await net.cut('host1', 'serve', {oneWay: true})
    expect(await ask(300)).toMatch(/^silence/)
    await net.heal('serve', 'host1')
    expect(await ask(60_000)).toMatch(/^echoed/)
  })

  test('a firewall that resets: a new connection is refused at once', async () => {
    const net = await lab()
    const ask = await echo(net)
    await net.reset('serve', 'host1', 'new')
    expect(await ask(60_000)).toMatch(/^ECONNREFUSED/)
  })

  test('a firewall that resets new connections leaves an open one alone; one that resets all ends it', async () => {
    const net = await lab()
    await echo(net)
    const code = `
      const s = require('node:net').connect(5432, '${net.node('host1').address}', () => console.log('open'))
      s.on('data', () => console.log('echoed')).on('error', (e) => console.log(e.code))
      process.on('SIGUSR2', () => s.write('x'))`
    const client = run(net.node('serve'), code)
    const lines = createInterface(client.stdout as NodeJS.ReadableStream)[Symbol.asyncIterator]()
    const next = async () => (await lines.next()).value
    expect(await next()).toBe('open')
    await net.reset('serve', 'host1', 'new')
    client.kill('SIGUSR2')
    expect(await next()).toBe('echoed')
    await net.reset('serve', 'host1', 'all')
    client.kill('SIGUSR2')
    expect(await next()).toBe('ECONNRESET')
  })

  test('delay and loss: an answer takes the round trips that it needs, and arrives in spite of losses', async () => {
    const net = await lab()
    const ask = await echo(net)
    await net.delay('serve', 'host1', {roundTripMs: 100})
    const [word, ms] = (await ask(60_000)).split(' ')
    expect(word).toBe('echoed')
    // One round trip for the connection, one for the answer.
    expect(Number(ms)).toBeGreaterThanOrEqual(195)
    await net.delay('serve', 'host1', {loss: 0.2})
    expect(await ask(60_000)).toMatch(/^echoed/)
  })
})
