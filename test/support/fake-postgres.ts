// Run as a child process by `startFakes`: many PostgreSQL servers that answer
// what the monitor asks for, and nothing else. Wire level (PostgreSQL documentation, 55.7), so that the driver and its
// cost are the real ones.
import {type ChildProcess, fork} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {createServer, type Socket} from 'node:net'
import {join} from 'node:path'
import {createSecureContext, type SecureContext, TLSSocket} from 'node:tls'
import {fileURLToPath} from 'node:url'
import {type Column, cstring, dataRow, int, message, rowDescription, type Values} from './fake-protocol.ts'
import {scramServer} from './scram-server.ts'

const [text, int4, bool, float8, json] = [25, 23, 16, 701, 114]

/**
 * The columns of the two questions that the driver asks, in their order; fake-postgres.test.ts
 * compares them with its SQL.
 */
export const sessionColumns: readonly Column[] = [
  {name: 'backend_pid', oid: int4},
  {name: 'system_identifier', oid: text},
  {name: 'server_version', oid: int4},
  {name: 'cluster_name', oid: text},
  {name: 'log_connections', oid: text},
  {name: 'started_at', oid: float8},
  {name: 'backend_start', oid: text},
  {name: 'read_only_by_role', oid: bool},
  {name: 'parameters_set', oid: text},
  {name: 'may_list_wal', oid: bool},
]
export const probeColumns: readonly Column[] = [
  {name: 'in_recovery', oid: bool},
  {name: 'clock_ms', oid: float8},
  {name: 'nudged_at', oid: text},
  {name: 'lsn', oid: text},
  {name: 'primary_timeline', oid: text},
  {name: 'recovery_timeline', oid: int4},
  {name: 'disk_timeline', oid: text},
  {name: 'flush_lsn', oid: text},
  {name: 'receive_lsn', oid: text},
  {name: 'last_replay_age_ms', oid: float8},
  {name: 'replay_paused', oid: bool},
  {name: 'apply_delay_ms', oid: float8},
  {name: 'read_only', oid: bool},
  {name: 'receiver', oid: json},
  {name: 'senders', oid: json},
  {name: 'backends_used', oid: int4},
  {name: 'backends_max', oid: int4},
]

/** What a server has seen: logins that it completed, and when it first answered a probe (wall clock). */
export type Seen = Readonly<{logins: number; probedAt: number | null}>

export type Fakes = Readonly<{
  ports: readonly number[]
  pid: number
  /** Of each server, in the order of `ports`. */
  seen(): Promise<readonly Seen[]>
  /** The next server of the group is promoted, and the others stream from it; the old primary restarts. */
  failOver(group: number): void
  stop(): void
}>

/**
 * Starts `count` servers in groups of three: one primary, two standbys that stream from it.
 * `certificates`: a folder with `server.crt` and `server.key`; then they offer TLS, and a
 * client over TLS needs the password "pgroute66", by SCRAM. `isOrdered`: the primary answers a probe
 * at once, and each standby later than the server before it.
 */
export async function startFakes(count: number, certificates?: string, isOrdered = false): Promise<Fakes> {
  const args = ['serve', String(count), ...(certificates ? [certificates] : []), ...(isOrdered ? ['ordered'] : [])]
  // A session of their own: on a busy machine the kernel gives them their own share of the time.
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), args, {detached: true})
  const [ports] = (await once(child, 'message')) as [number[]]
  return {
    ports,
    pid: child.pid ?? 0,
    async seen() {
      const answered = once(child, 'message')
      child.send('seen')
      return (await answered)[0] as readonly Seen[]
    },
    failOver: (group) => void child.send({group}),
    stop: () => void child.kill('SIGKILL'),
  }
}

/** Three servers. `leader`: 0 to 2. */
type Group = {leader: number; timeline: number}

class Fake {
  logins = 0
  probedAt: number | null = null
  readonly port: number
  readonly index: number
  readonly primaryPort: () => number
  readonly group: Group
  readonly sockets = new Set<Socket>()
  #startedAt: number

  constructor({index, port, group}: Readonly<{index: number; port: number; group: Group}>, primaryPort: () => number) {
    this.index = index
    this.port = port
    this.group = group
    this.primaryPort = primaryPort
    this.#startedAt = 1.7e12 + index
  }

  restart(): void {
    this.#startedAt += 1
    for (const socket of this.sockets) socket.destroy()
  }

  session(pid: number): Values {
    const group = Math.floor(this.index / 3)
    return [
      String(pid),
      `77${String(group).padStart(17, '0')}`,
      '150000',
      `host${this.index}`,
      'off',
      String(this.#startedAt),
      `2026-01-01T00:00:00.${pid}Z`,
      'f',
      '1',
      'f',
    ]
  }

  probe(): Values {
    const [at, lsn] = [String(Date.now()), '0/3000148']
    const {leader, timeline} = this.group
    const written = timeline.toString(16).padStart(8, '0')
    if (this.index % 3 === leader)
      return ['f', at, null, lsn, written, null, null, lsn, null, null, null, null, 'f', null, '[]', '7', '100']
    const receiver = {
      status: 'streaming',
      received_tli: timeline,
      sender_host: '127.0.0.1',
      sender_port: this.primaryPort(),
      latest_end_lsn: lsn,
      last_message_age_ms: 40,
    }
    const heard = JSON.stringify(receiver)
    return ['t', at, null, lsn, null, String(timeline), null, null, lsn, '40', 'f', '0', 't', heard, '[]', '3', '100']
  }
}

const isOrdered = process.argv.at(-1) === 'ordered'

const ready = message('Z', Buffer.from('I'))
const complete = message('C', cstring('SELECT 1'))

const orderMs = 200

/** `offer`: the TLS context for clients that ask for TLS. */
function attend(socket: Socket, fake: Fake, pid: number, offer: SecureContext | null): void {
  const scram = socket instanceof TLSSocket ? scramServer('pgroute66') : null
  const statements = new Map<string, 'session' | 'probe'>()
  let portal: 'session' | 'probe' = 'probe'
  const welcome = [
    message('R', int(0, 4)),
    message('S', cstring('client_encoding'), cstring('UTF8')),
    message('K', int(pid, 4), int(1, 4)),
    ready,
  ]
  let isStarted = false
  let isProbed = false
  let buffered: Buffer = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    buffered = Buffer.concat([buffered, chunk as Buffer])
    const out: Buffer[] = []
    for (;;) {
      const offset = isStarted ? 1 : 0
      if (buffered.length < offset + 4) break
      const length = buffered.readInt32BE(offset) + offset
      if (buffered.length < length) break
      const body = buffered.subarray(offset + 4, length)
      const type = isStarted ? String.fromCharCode(buffered[0] ?? 0) : 'startup'
      buffered = buffered.subarray(length)
      out.push(...answer(type, body))
    }
    const send = () => out.length > 0 && !socket.destroyed && socket.write(Buffer.concat(out))
    if (isOrdered && isProbed && fake.index % 3 > 0) setTimeout(send, (fake.index % 3) * orderMs)
    else send()
  })

  function answer(type: string, body: Buffer): readonly Buffer[] {
    const strings = () => body.toString('utf8').split('\0')
    if (type === 'startup') {
      if (body.readInt32BE(0) === 80877103) {
        if (!offer) return [Buffer.from('N')]
        socket.removeAllListeners('data').write('S')
        attend(new TLSSocket(socket, {isServer: true, secureContext: offer}), fake, pid, null)
        return []
      }
      isStarted = true
      if (!scram) fake.logins += 1
      return scram ? [message('R', int(10, 4), cstring('SCRAM-SHA-256'), Buffer.alloc(1))] : welcome
    }
    if (type === 'p' && scram) {
      const mechanism = body.indexOf(0) + 1
      if (body.toString('latin1', 0, mechanism - 1) === 'SCRAM-SHA-256')
        return [message('R', int(11, 4), Buffer.from(scram.challenge(body.toString('utf8', mechanism + 4))))]
      const last = scram.verdict(body.toString('utf8'))
      if (last !== null) fake.logins += 1
      return last === null
        ? [message('E', cstring('SFATAL'), cstring('C28P01'), cstring('Mno'), Buffer.alloc(1))]
        : [message('R', int(12, 4), Buffer.from(last)), ...welcome]
    }
    if (type === 'P') {
      const [name = '', sql = ''] = strings()
      statements.set(name, sql.includes('pg_control_system') ? 'session' : 'probe')
      return [message('1')]
    }
    if (type === 'B') {
      portal = statements.get(strings()[1] ?? '') ?? 'probe'
      return [message('2')]
    }
    if (type === 'D') return [rowDescription(portal === 'session' ? sessionColumns : probeColumns)]
    isProbed ||= type === 'E' && portal === 'probe'
    if (isProbed) fake.probedAt ??= Date.now()
    if (type === 'E') return [dataRow(portal === 'session' ? fake.session(pid) : fake.probe()), complete]
    if (type === 'S') return [ready]
    if (type === 'X') socket.end()
    return []
  }
}

if (process.argv[2] === 'serve') {
  const fakes: Fake[] = []
  const [, , , count, folder] = process.argv
  const offer = folder
    ? createSecureContext({
        cert: readFileSync(join(folder, 'server.crt')),
        key: readFileSync(join(folder, 'server.key')),
      })
    : null
  let pid = 1000
  const groups: Group[] = []
  for (let index = 0; index < Number(count); index += 1) {
    const server = createServer((socket) => {
      pid += 1
      const {sockets} = fakes[index] as Fake
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      attend(socket, fakes[index] as Fake, pid, offer)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    if (index % 3 === 0) groups.push({leader: 0, timeline: 1})
    const group = groups.at(-1) as Group
    const {port} = server.address() as {port: number}
    fakes.push(new Fake({index, port, group}, () => fakes[index - (index % 3) + group.leader]?.port ?? 0))
  }
  process.send?.(fakes.map(({port}) => port))
  process.on('disconnect', () => process.exit())
  process.on('message', (asked: 'seen' | Readonly<{group: number}>) => {
    if (asked === 'seen') return process.send?.(fakes.map(({logins, probedAt}): Seen => ({logins, probedAt})))
    const group = groups[asked.group] as Group
    const before = fakes[3 * asked.group + group.leader]
    group.leader = (group.leader + 1) % 3
    group.timeline += 1
    before?.restart()
    return undefined
  })
}
