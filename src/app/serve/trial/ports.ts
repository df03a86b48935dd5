import {once} from 'node:events'
import {connect, createServer, type Server} from 'node:net'
import {join} from 'node:path'
import {endpointsOf, sectionOf} from '../../../api/listen/endpoint.ts'
import type {Config} from '../../../config/config.ts'
import {lockName} from '../../state/state-lock.ts'
import {errnoOf, type Findings} from './findings.ts'

type Port = Readonly<{path: string; key: string; host: string; port: number}>

/**
 * Every port and socket that the daemon will listen on. `inForce`: of this very process, whose ports and
 * sockets are open; `null`: a daemon of this configuration may run beside it.
 */
export async function tryPorts(config: Config, findings: Findings, inForce: Config | null): Promise<void> {
  const ports = portsOf(config).filter(({path}) => findings.isClean(path || 'bind') && findings.isClean('port'))
  for (const [index, one] of ports.entries()) {
    const other = ports.slice(0, index).find((each) => areSame(each, one))
    if (other !== undefined)
      findings.refuse(
        keyOf(one, 'port'),
        'CONFIG_CONFLICT',
        `is ${one.port}, the port of ${keyOf(other, 'port')} too`,
        'Set another port.',
      )
  }
  const openPorts = inForce === null ? [] : portsOf(inForce)
  let isOwn: Promise<boolean> | null = null
  const own = async () => {
    if (inForce !== null) return false
    isOwn ??= import('./own-daemon.ts').then(({isOwnDaemon}) => isOwnDaemon(config))
    return isOwn
  }
  const open: Server[] = []
  try {
    for (const port of ports) {
      const found = await listenOn(port)
      if (typeof found !== 'string') open.push(found)
      else if (found !== 'EADDRINUSE') tell(port, found, findings)
      else if (openPorts.some((one) => areSame(one, port))) continue
      else if (!(await own()) && !ports.some((other) => other !== port && areSame(other, port)))
        tell(port, found, findings)
    }
  } finally {
    for (const server of open) server.close()
  }
  const {stateDir} = config
  const lock = stateDir === null ? null : join(stateDir, lockName)
  const held = [inForce?.socket, inForce?.controlSocket, inForce?.stateDir && join(inForce.stateDir, lockName)]
  const sockets = {socket: config.socket, control_socket: config.controlSocket, state_dir: lock}
  for (const [path, socket] of Object.entries(sockets)) {
    if (socket === null || !findings.isClean(path) || held.includes(socket)) continue
    if (!(await isListening(socket)) || (await own())) continue
    if (path === 'state_dir') tellLocked(findings, `${stateDir}`)
    else
      findings.refuse(
        path,
        'SOCKET_IN_USE',
        `names ${socket}, on which another process listens`,
        'Stop that process first, or set another path.',
      )
  }
}

const tellLocked = (findings: Findings, folder: string) =>
  findings.refuse(
    'state_dir',
    'STATE_IN_USE',
    `names ${folder}, where another serve keeps its state`,
    'Stop the other serve first, or give this one a state_dir of its own.',
  )

function portsOf(config: Config): readonly Port[] {
  const {agent} = config
  const endpoints = endpointsOf(config, new Map()).flatMap(({kind, at}): Port[] =>
    'port' in at ? [{path: sectionOf(kind), key: kind, host: at.host, port: at.port}] : [],
  )
  const agents = agent === null ? [] : [{path: 'agent', key: 'agent', host: agent.bind, port: agent.port}]
  return [...endpoints, ...agents]
}

const keyOf = ({path}: Port, key: 'bind' | 'port') => (path === '' ? key : `${path}.${key}`)

const everywhere = (host: string) => host === '0.0.0.0' || host === '::'
const areSame = (one: Port, other: Port) =>
  one.port === other.port &&
  one.port !== 0 &&
  (one.host === other.host || everywhere(one.host) || everywhere(other.host))

async function listenOn({host, port}: Port): Promise<Server | string> {
  const server = createServer((visitor) => visitor.destroy())
  try {
    await once(server.listen({host, port, exclusive: true}), 'listening')
    return server
  } catch (error) {
    return errnoOf(error)
  }
}

function tell(port: Port, errno: string, findings: Findings): void {
  const where = `${port.host}:${port.port}`
  if (errno === 'EADDRINUSE')
    findings.refuse(
      keyOf(port, 'port'),
      'LISTEN',
      `is ${port.port}, and another process listens on ${where}`,
      'Stop that process first, or set another port.',
    )
  else if (errno === 'EACCES')
    findings.warn(
      keyOf(port, 'port'),
      `is ${port.port}, which this user may not listen on`,
      'Choose a port above 1023, or run this check as the user of the daemon.',
    )
  else
    findings.refuse(
      keyOf(port, 'bind'),
      'LISTEN',
      `is ${port.host}, which is no address of this machine (${errno})`,
      'Set it to an address of this machine, or to 0.0.0.0.',
    )
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({path})
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // EAGAIN: the backlog is full, so a process listens.
    socket.once('error', (error) => resolve(errnoOf(error) === 'EAGAIN'))
  })
}
