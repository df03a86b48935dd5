import {type AddressInfo, createServer, type Server, type Socket} from 'node:net'
import type {AgentSettings} from '../../core/actuator-settings.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Clock, Log, SnapshotSource} from '../../core/ports.ts'
import type {ReadFallback} from '../../core/settings.ts'
import {agentAnswer} from './answer.ts'
import {Handover} from './handover.ts'

/** A question is a name, a role and a limit. */
const longestQuestion = 256
/**
 * From arrival to the end of a connection, whatever it does: HAProxy asks as soon as it is
 * connected, and reads at once.
 */
const timeoutMs = 1_000
/**
 * Connections at a time. One more takes the place of the oldest, which has not asked yet: whoever
 * asks is answered and gone.
 */
const maxConnections = 512

export type AgentRequest = Readonly<{
  settings: AgentSettings
  source: SnapshotSource
  clock: Clock
  log: Log
  /**
   * What the readers of a group fall back to; asked at every question, because a reload may change
   * it.
   */
  fallback: (group: string) => ReadFallback
  /** Maintenance: every server stays as it is. */
  isFrozen: () => boolean
}>

export interface Agent extends AsyncDisposable {
  /** `127.0.0.1:8009`, with the port that is really used. */
  readonly address: string
  /**
   * Opens the new address before the old one is closed. Throws OperatorError where it cannot be
   * had; then nothing has changed.
   */
  reload(settings: AgentSettings): Promise<void>
}

/**
 * Answers HAProxy's agent-check: one line per connection (`agentAnswer`), then the end. To be
 * started when the monitor is ready: HAProxy keeps what it has while nobody listens. Throws
 * OperatorError where the address cannot be had.
 */
export async function startAgent(request: AgentRequest): Promise<Agent> {
  const {log} = request
  const connections = new Set<Socket>()
  const handover = new Handover()
  const answer = (question: string, client: string) => {
    const {source, fallback, isFrozen, clock} = request
    const snapshot = source.current()
    return handover.settle(
      client,
      question,
      agentAnswer(question, snapshot, fallback, isFrozen()),
      snapshot,
      clock.now(),
    )
  }
  const openAt = (settings: AgentSettings) =>
    listen(settings, (socket) => converse(socket, connections, request.clock, answer))
  let settings = request.settings
  let server = await openAt(settings)
  log.info({address: addressOf(server)}, `agent-check answers on ${addressOf(server)}`)
  return {
    get address() {
      return addressOf(server)
    },
    async reload(next) {
      if (next.bind === settings.bind && next.port === settings.port) return
      const opened = await openAt(next)
      const old = server
      server = opened
      settings = next
      log.info({address: addressOf(server)}, `agent-check answers on ${addressOf(server)}`)
      old.close()
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

function converse(
  socket: Socket,
  connections: Set<Socket>,
  clock: Clock,
  answer: (question: string, client: string) => string,
): void {
  const [oldest] = connections
  if (connections.size >= maxConnections) oldest?.destroy()
  connections.add(socket)
  const cancel = clock.after(timeoutMs, () => socket.destroy())
  let received = ''
  // Garbage, resets, and clients that have gone before the answer: their own affair.
  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    cancel()
    connections.delete(socket)
  })
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    received += chunk
    const end = received.indexOf('\n')
    if (end < 0 && received.length <= longestQuestion) return
    socket.pause().removeAllListeners('data')
    const question = received.slice(0, end < 0 ? longestQuestion : Math.min(end, longestQuestion))
    // Closed as soon as the line is on its way: nothing more is read, whoever goes on writing.
    socket.end(`${answer(question, socket.remoteAddress ?? '')}\n`, () => socket.destroy())
  })
}

async function listen({bind, port}: AgentSettings, handle: (socket: Socket) => void): Promise<Server> {
  const server = createServer({noDelay: true}, handle)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({host: bind, port, backlog: 511}, resolve)
    })
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new OperatorError(
      'LISTEN',
      `agent: cannot listen on ${bind}:${port}: ${reason}`,
      'Stop what listens there, or set agent.bind and agent.port to an address of this machine and a free port.',
      {cause: error},
    )
  }
  // After it has begun to listen, only failed accepts come here (too many open files): the next one
  // may succeed.
  server.on('error', () => {})
  return server
}

function addressOf(server: Server): string {
  const {address, port, family} = server.address() as AddressInfo
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}
