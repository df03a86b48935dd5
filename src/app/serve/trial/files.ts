import {constants} from 'node:fs'
import {access, lstat, stat} from 'node:fs/promises'
import {delimiter, dirname, join} from 'node:path'
import {groupId} from '../../../system/unix-socket.ts'
import {memoryStore} from '../../state/memory-store.ts'
import {errnoOf, type Findings, type Trial} from './findings.ts'

const {W_OK, X_OK, R_OK} = constants

/** The log file, the folder of the state, sockets, commands of hooks, and files of PgBouncer. */
export const tryFiles: Trial = async (config, findings) => {
  const {log, stateDir, socket, socketGroup, controlSocket, hooks, pgbouncer} = config
  if (log.file !== null && findings.isClean('logfile')) await tryWritable(log.file, 'logfile', 'LOGFILE', findings)
  if (stateDir !== null && findings.isClean('state_dir')) await tryState(stateDir, findings)
  if (socket !== null && findings.isClean('socket')) await trySocket(socket, 'socket', findings)
  if (controlSocket !== null && findings.isClean('socket') && findings.isClean('control_socket'))
    await trySocket(controlSocket, 'control_socket', findings)
  if (socketGroup !== null && findings.isClean('socket_group'))
    await groupId(socketGroup).catch((error: unknown) => findings.failed('socket_group', error))
  if (findings.isClean('hooks'))
    for (const [index, hook] of hooks.entries())
      if (hook.kind === 'run') await tryCommand(hook.argv[0] ?? '', `hooks[${index}].run`, findings)
  if (findings.isClean('pgbouncer'))
    for (const [index, {include}] of pgbouncer.entries())
      await tryFolder(dirname(include), `pgbouncer[${index}].include`, findings)
}

/** A file that is opened for writing, and made where it is missing. */
async function tryWritable(file: string, path: string, code: 'LOGFILE', findings: Findings): Promise<void> {
  try {
    if ((await stat(file)).isDirectory()) return findings.unusable(path, code, file, 'EISDIR')
    await access(file, W_OK)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return findings.unusable(path, code, file, errnoOf(error))
    await access(dirname(file), W_OK).catch((cause: unknown) =>
      findings.unusable(path, code, dirname(file), errnoOf(cause)),
    )
  }
}

/** The daemon makes the folder where it is missing. */
async function tryState(folder: string, findings: Findings): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory())
      return findings.unusable('state_dir', 'STATE_UNREADABLE', folder, 'ENOTDIR')
    await access(folder, W_OK | X_OK | R_OK)
    await memoryStore(folder).load()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return await tryParent(folder, 'state_dir', 'STATE_UNREADABLE', findings)
    if (error instanceof Error && 'next' in error) return findings.failed('state_dir', error)
    findings.unusable('state_dir', 'STATE_UNREADABLE', folder, errnoOf(error))
  }
}

/** A file in the way, or a folder that cannot be made. Who listens on a socket: see `ports.ts`. */
async function trySocket(path: string, at: string, findings: Findings): Promise<void> {
  try {
    if (!(await lstat(path)).isSocket())
      findings.refuse(
        at,
        'SOCKET_PATH',
        `names ${path}, which is not a socket`,
        'Choose another path, or move it away.',
      )
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') await tryParent(path, at, 'SOCKET_PATH', findings)
    else findings.unusable(at, 'SOCKET_PATH', path, errnoOf(error))
  }
}

/** Can the missing `path` be made? Looks at the nearest folder that exists. */
async function tryParent(path: string, at: string, code: 'SOCKET_PATH' | 'STATE_UNREADABLE', findings: Findings) {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    try {
      const found = await stat(folder)
      if (!found.isDirectory()) return findings.unusable(at, code, folder, 'ENOTDIR')
      return await access(folder, W_OK | X_OK)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || folder === dirname(folder))
        return findings.unusable(at, code, folder, errnoOf(error))
    }
  }
}

/** As the daemon will start it: a name without a slash is looked up in PATH. */
async function tryCommand(command: string, path: string, findings: Findings): Promise<void> {
  const places = command.includes('/')
    ? [command]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, command))
  let worst = 'ENOENT'
  for (const place of places) {
    try {
      if (!(await stat(place)).isFile()) continue
      return await access(place, X_OK)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') worst = errnoOf(error)
    }
  }
  const next = 'Install it, correct the path, or make it executable (chmod +x).'
  findings.refuse(path, 'HOOK_COMMAND', `names ${command}, which cannot be run (${worst})`, next)
}

async function tryFolder(folder: string, path: string, findings: Findings): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory()) return findings.unusable(path, 'INCLUDE_FOLDER', folder, 'ENOTDIR')
    await access(folder, W_OK | X_OK)
  } catch (error) {
    findings.unusable(path, 'INCLUDE_FOLDER', folder, errnoOf(error))
  }
}
