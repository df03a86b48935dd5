import {execFile} from 'node:child_process'
import {chmodSync, chownSync, lstatSync, mkdirSync, unlinkSync} from 'node:fs'
import {readFile} from 'node:fs/promises'
import {connect} from 'node:net'
import {dirname} from 'node:path'
import {promisify} from 'node:util'
import {OperatorError} from '../core/errors.ts'

/**
 * Makes room for a socket at `path`: one that nobody listens on is a leftover and goes; anything
 * else stays. Throws OperatorError.
 */
export async function clearPath(path: string): Promise<void> {
  const found = lstatSync(path, {throwIfNoEntry: false})
  if (found === undefined) return void mkdirSync(dirname(path), {recursive: true, mode: 0o755})
  if (!found.isSocket()) {
    throw new OperatorError(
      'SOCKET_PATH',
      `${path} is there, and is not a socket`,
      'Choose another path, or move it away.',
    )
  }
  const answer = await knock(path)
  if (answer === 'ECONNREFUSED') return unlinkSync(path)
  if (answer === 'ENOENT') return
  if (answer !== null && answer !== 'EAGAIN') {
    throw new OperatorError(
      'SOCKET_PATH',
      `${path} cannot be opened (${answer})`,
      'Remove it, or run as the user that made it.',
    )
  }
  throw new OperatorError(
    'SOCKET_IN_USE',
    `another process listens on ${path}`,
    'Stop it first, or set another socket.',
  )
}

/** `null`: somebody answers. A full backlog (EAGAIN) is somebody, too. */
function knock(path: string): Promise<string | null> {
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
 * Who may open the socket that has just been made - by nobody but us, thanks to the umask that
 * `bind` ran under.
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

/** The number of a group by its name, or by its number. Throws OperatorError. */
export async function groupId(name: string): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name)
  const local = await readFile('/etc/group', 'utf8').catch(() => '')
  const entry = local.split('\n').find((line) => line.startsWith(`${name}:`)) ?? (await fromDirectory(name))
  const id = Number(entry.split(':')[2] ?? Number.NaN)
  if (Number.isInteger(id)) return id
  throw new OperatorError('SOCKET_GROUP', `there is no group "${name}"`, 'Set socket_group to a group of this machine.')
}

/** LDAP and the like: only the C library knows them. */
async function fromDirectory(name: string): Promise<string> {
  try {
    return (await promisify(execFile)('getent', ['group', '--', name], {timeout: 5_000})).stdout.trim()
  } catch {
    return ''
  }
}
