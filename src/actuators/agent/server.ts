import {type AddressInfo, createServer, type Server, type Socket} from 'node:net'
import type {AgentSettings} from '../../core/actuator-settings.ts'
import {OperatorError} from '../../core/errors.ts'
import type {NamedOnly} from '../../core/offers/unknown-addresses.ts'
import type {Clock, Log, SnapshotSource} from '../../core/ports.ts'
import type {AgentAsked} from '../../core/router.ts'
import type {ReadFallback} from '../../core/settings.ts'
import {agentAnswer, serverNamedOnly} from './answer.ts'
import {Handover} from './handover.ts'
import {AgentQuestions} from './questions.ts'

/** Bytes of a question: a name, an address (a name of DNS has 253), a role and a limit. */
const longestQuestion = 512
/** The whole life of a connection: HAProxy asks as soon as it is connected, and reads at once. */
const timeoutMs = 1_000
/**
 * Connections at a time. One more closes the oldest, which has not asked yet: a client that asks
 * gets its answer, and its connection ends.
 */
const maxConnections = 512

export type AgentRequest = Readonly<{
  settings: AgentSettings
  source: SnapshotSource
  clock: Clock
  log: Log
  /** What the readers of a group fall back to. Called for every question: a reload may change it. */
  fallback: (group: string) => ReadFallback
  /** Told of a server whose address is no host's. */
  namedOnly: NamedOnly
  /** Whether the daemon is in maintenance: every server stays as it is. */
  isFrozen: () => boolean
}>

export interface Agent extends AsyncDisposable {
  /** `127.0.0.1:8009`, with the port in use (settings may say 0). */
  readonly address: string
  /** The last question of each HAProxy for each server. */
  questions(): readonly AgentAsked[]
  /**
   * Opens the new address before it closes the old one. Throws OperatorError when it cannot listen
   * there; then nothing has changed.
   */
  reload(settings: AgentSettings): Promise<void>
}

/**
 * Answers HAProxy's agent-check: one line per connection (`agentAnswer`), then the connection ends.
 * Call it when the monitor is ready: until the port is open, HAProxy keeps the state of its servers.
 * Throws OperatorError when it cannot listen on the address.
 */
export async function startAgent(request: AgentRequest): Promise<Agent> {
  const {log} = request
  const connections = new Set<Socket>()
  const handover = new Handover()
  const questions = new AgentQuestions()
  const answer = (question: string, client: string) => {
    const {source, fallback, isFrozen, clock} = request
    const snapshot = source.current()
    const unplaced = serverNamedOnly(question, snapshot)
    if (unplaced !== null) request.namedOnly(unplaced.server, unplaced.host)
    const ruled = agentAnswer(question, snapshot, fallback, isFrozen())
    const settled = handover.settle({client, question, answer: ruled, snapshot, now: clock.now()})
    if (question !== '') questions.note({client, question: question.trim(), answer: settled, askedAt: clock.wall()})
    return settled
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
    questions: () => questions.list(request.clock.wall()),
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
  // Garbage, resets and clients that leave early concern no other connection.
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
    // Destroyed as soon as the line is sent: a client that goes on writing must not keep it open.
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
      `agent: cannot listen on ${bind}:${port} (${reason})`,
      'Stop the process that listens there, or set agent.bind and agent.port to a local address and a free port.',
      {cause: error},
    )
  }
  // A listening server only reports failed accepts (too many open files): the next one may succeed.
  server.on('error', () => {})
  return server
}

function addressOf(server: Server): string {
  const {address, port, family} = server.address() as AddressInfo
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}
