import {readFileSync, statSync} from 'node:fs'
import {resolve} from 'node:path'
import {foreignWriter} from '../../system/foreign-writer.ts'

export const usualSocket = '/run/pgroute66/pgroute66.sock'
const usualConfigs = ['pgroute66.yml', '/etc/pgroute66/config.yaml']

/**
 * The daemon's socket, found without a YAML parser. `null`: only the parser can tell. The usual
 * socket may belong to the daemon of another cluster, so it is never asked while a configuration
 * names a different socket.
 */
export function guessSocket(env: NodeJS.ProcessEnv, cwd: string): string | null {
  if (env.PGROUTE66_SOCKET) return resolve(cwd, env.PGROUTE66_SOCKET)
  for (const path of configPaths(env)) {
    const text = textOf(resolve(cwd, path))
    if (text === null) continue
    // The full command refuses a file that another user may have written.
    if (!env.PGROUTE66CONFIG && path === usualConfigs[0] && foreignWriter(resolve(cwd, path)) !== null) return null
    // A mapping in braces, a quoted key or an explicit key: a regular expression cannot read it.
    if (/^[{"'?&!]/m.test(text)) return null
    if (!/^socket\s*:/m.test(text)) return usualSocket
    return /^socket:[ \t]+(\/[^\s#"'{}[\],&*!|>%@`]+)[ \t]*(?:#.*)?$/m.exec(text)?.[1] ?? null
  }
  return usualSocket
}

/** Is there a configuration that this user may read? It alone says which servers a host's name means. */
export const hasConfig = (env: NodeJS.ProcessEnv, cwd: string): boolean =>
  configPaths(env).some((path) => textOf(resolve(cwd, path)) !== null)

const configPaths = ({PGROUTE66CONFIG: named}: NodeJS.ProcessEnv): readonly string[] => (named ? [named] : usualConfigs)

/** `null`: no file, or this user may not read it. HAProxy's user need not, to ask a daemon. */
function textOf(path: string): string | null {
  try {
    // Reading a pipe could block without end, and nothing could interrupt it.
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : null
  } catch {
    return null
  }
}
