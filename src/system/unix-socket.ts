import {execFile} from 'node:child_process'
import {chmodSync, chownSync, lstatSync, mkdirSync, unlinkSync} from 'node:fs'
import {readFile} from 'node:fs/promises'
import {connect} from 'node:net'
import {dirname} from 'node:path'
import {promisify} from 'node:util'
import {OperatorError} from '../core/errors.ts'

/**
 * Frees `path` for a socket: removes a socket on which no process listens, and leaves anything else.
 * Throws OperatorError where the path is not free then.
 */
export async function clearPath(path: string): Promise<void> {
  const found = lstatSync(path, {throwIfNoEntry: false})
  if (found === undefined) return void mkdirSync(dirname(path), {recursive: true, mode: 0o755})
  if (!found.isSocket()) {
    throw new OperatorError(
      'SOCKET_PATH',
      `${path} exists and is not a socket`,
      'Choose another path, or move the file away.',
    )
  }
  const answer = await connectError(path)
  if (answer === 'ECONNREFUSED') return unlinkSync(path)
  if (answer === 'ENOENT') return
  if (answer !== null && answer !== 'EAGAIN') {
    throw new OperatorError(
      'SOCKET_PATH',
      `the socket ${path} cannot be opened (${answer})`,
      'Remove the socket, or run as the user that made it.',
    )
  }
  throw new OperatorError(
    'SOCKET_IN_USE',
    `another process listens on ${path}`,
    'Stop that process first, or set another socket.',
  )
}

/** `null`: a process accepts. EAGAIN is a full backlog, so a process listens then too. */
function connectError(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({path})
    socket.on('connect', () => {
      socket.destroy()
      resolve(null)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown error'))
  })
}

/**
 * Lets `group` open a new socket. Until then only this user may, because `bind` ran under a strict
 * umask.
 */
export function grant(path: string, group: number | null): void {
  if (group !== null) {
    try {
      chownSync(path, -1, group)
    } catch (error) {
      const next = 'Run as root, or as a member of that group.'
      throw new OperatorError('SOCKET_GROUP', `${path} cannot be given to socket_group`, next, {cause: error})
    }
  }
  chmodSync(path, 0o660)
}

/** The number of a group, given by name or number. Throws OperatorError. */
export async function groupId(name: string): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name)
  const local = await readFile('/etc/group', 'utf8').catch(() => '')
  const entry = local.split('\n').find((line) => line.startsWith(`${name}:`)) ?? (await fromDirectory(name))
  const id = Number(entry.split(':')[2] ?? Number.NaN)
  if (Number.isInteger(id)) return id
  throw new OperatorError('SOCKET_GROUP', `there is no group "${name}"`, 'Set socket_group to a group of this machine.')
}

/** Groups in LDAP and the like are known only to the C library. */
async function fromDirectory(name: string): Promise<string> {
  try {
    return (await promisify(execFile)('getent', ['group', '--', name], {timeout: 5_000})).stdout.trim()
  } catch {
    return ''
  }
}
