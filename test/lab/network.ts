import {type ChildProcessByStdio, execFileSync, spawn} from 'node:child_process'
import {once} from 'node:events'
import {createInterface} from 'node:readline'
import type {Readable, Writable} from 'node:stream'
import {fileURLToPath} from 'node:url'

/** A machine of the laboratory. `within`: what a command line begins with to run on it (as root). */
export type LabNode = Readonly<{name: string; address: string; within: readonly string[]}>

/** What happens to packets from one node to another. */
type Way = Readonly<{drop: boolean; delayMs: number; loss: number; reset: 'all' | 'new' | null}>
const free: Way = {drop: false, delayMs: 0, loss: 0, reset: null}

/**
 * Machines with addresses of their own, and every packet between them in the test's hands. Each
 * method resolves once the change is in force. It needs root and /dev/net/tun.
 */
export interface Network extends AsyncDisposable {
  /** Throws where there is no such node. */
  node(name: string): LabNode
  /** Packets get lost without a word, in both directions, or from `from` to `to` alone. */
  cut(from: string, to: string, options?: {oneWay?: boolean}): Promise<void>
  /** Half of `roundTripMs` in each direction; `loss` is the share of packets that get lost. */
  delay(one: string, other: string, options: {roundTripMs?: number; loss?: number}): Promise<void>
  /**
   * A firewall answers the TCP packets of `from` to `to` with RST: all of them, or those alone that
   * open a connection.
   */
  reset(from: string, to: string, which: 'all' | 'new'): Promise<void>
  /** Nothing is done to packets between the two any more; without names, between any. */
  heal(one?: string, other?: string): Promise<void>
}

let networks = 0

/** Starts a network of the named nodes. Everything is gone when it is disposed of. */
export async function network(names: readonly string[]): Promise<Network> {
  networks += 1
  const prefix = `pg66-${process.pid}-${networks}`
  const nodes = names.map((name, index): LabNode & {space: string; device: string} => {
    const space = `${prefix}-${name}`
    // A device's name has at most 15 characters.
    const device = `l${process.pid.toString(36)}x${networks}x${index}`
    return {
      name,
      address: `10.66.0.${index + 1}`,
      space,
      device,
      within: ['nsenter', `--net=/run/netns/${space}`, '--'],
    }
  })
  const ip = (...args: readonly string[]) => execFileSync('ip', args, {stdio: ['ignore', 'ignore', 'pipe']})
  const made: string[] = []
  const removeSpaces = () => {
    for (const space of made.splice(0)) ip('netns', 'delete', space)
  }
  process.once('exit', removeSpaces)
  try {
    for (const {space} of nodes) {
      ip('netns', 'add', space)
      made.push(space)
    }
    const packets = await Switch.start(nodes.map(({device, address}) => `${device}=${address}`))
    for (const {space, device, address} of nodes) {
      ip('link', 'set', device, 'netns', space)
      ip('-n', space, 'address', 'add', `${address}/24`, 'dev', device)
      ip('-n', space, 'link', 'set', device, 'up')
      ip('-n', space, 'link', 'set', 'lo', 'up')
    }
    return networkOf(nodes, packets, async () => {
      await packets.stop()
      process.off('exit', removeSpaces)
      removeSpaces()
    })
  } catch (error) {
    removeSpaces()
    throw error
  }
}

function networkOf(nodes: readonly LabNode[], packets: Switch, end: () => Promise<void>): Network {
  const node = (name: string) => {
    const found = nodes.find((one) => one.name === name)
    if (found === undefined) throw new Error(`the network has no node ${name}`)
    return found
  }
  const both = async (one: string, other: string, way: Way) => {
    await packets.set(node(one), node(other), way)
    await packets.set(node(other), node(one), way)
  }
  return {
    node,
    async cut(from, to, {oneWay = false} = {}) {
      await packets.set(node(from), node(to), {...free, drop: true})
      if (!oneWay) await packets.set(node(to), node(from), {...free, drop: true})
    },
    delay: (one, other, {roundTripMs = 0, loss = 0}) => both(one, other, {...free, delayMs: roundTripMs / 2, loss}),
    reset: (from, to, which) => packets.set(node(from), node(to), {...free, reset: which}),
    async heal(one, other) {
      const ones = one === undefined ? nodes : [node(one)]
      for (const {name: left} of ones)
        for (const {name: right} of other === undefined ? nodes : [node(other)])
          if (left !== right) await both(left, right, free)
    },
    [Symbol.asyncDispose]: end,
  }
}

/** The process that passes packets on (switch.py). Commands take turns; each is answered. */
class Switch {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: AsyncIterator<string>
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child
    this.#answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  }

  static async start(devices: readonly string[]): Promise<Switch> {
    const path = fileURLToPath(new URL('switch.py', import.meta.url))
    const started = new Switch(spawn('/usr/bin/python3', [path, ...devices], {stdio: ['pipe', 'pipe', 'inherit']}))
    await started.#expect('ready')
    return started
  }

  set(from: LabNode, to: LabNode, {drop, delayMs, loss, reset}: Way): Promise<void> {
    const command = {from: from.address, to: to.address, drop, delay_ms: delayMs, loss, reset}
    const done = this.#turn.then(() => {
      this.#child.stdin.write(`${JSON.stringify(command)}\n`)
      return this.#expect('ok')
    })
    this.#turn = done
    return done
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.stdin.end()
    await exited
  }

  async #expect(word: string): Promise<void> {
    const {value, done} = await this.#answers.next()
    if (done || value !== word) throw new Error(`the switch said ${JSON.stringify(value)} instead of "${word}"`)
  }
}
