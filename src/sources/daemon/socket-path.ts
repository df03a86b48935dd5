import {readFileSync, statSync} from 'node:fs'
import {resolve} from 'node:path'

export const usualSocket = '/run/pgroute66/pgroute66.sock'
const usualConfigs = ['pgroute66.yml', '/etc/pgroute66/config.yaml']

/**
 * The daemon's socket, found without reading YAML; `null`: only the configuration itself can tell.
 * The usual socket may belong to the daemon of another cluster, so it is never asked while a
 * configuration names a different one.
 */
export function guessSocket(env: NodeJS.ProcessEnv, cwd: string): string | null {
  if (env.PGROUTE66_SOCKET) return resolve(cwd, env.PGROUTE66_SOCKET)
  const places = env.PGROUTE66CONFIG ? [env.PGROUTE66CONFIG] : usualConfigs
  for (const place of places) {
    const text = textOf(resolve(cwd, place))
    if (text === null) continue
    // A mapping in braces, a quoted or an explicit key: too clever for a regular expression.
    if (/^[{"'?&!]/m.test(text)) return null
    if (!/^socket\s*:/m.test(text)) return usualSocket
    return /^socket:[ \t]+(\/[^\s#"'{}[\],&*!|>%@`]+)[ \t]*(?:#.*)?$/m.exec(text)?.[1] ?? null
  }
  return usualSocket
}

/** `null`: not there, or not for us to read - which HAProxy's user need not, to ask a daemon. */
function textOf(path: string): string | null {
  try {
    // A pipe would be waited for without end, and nothing could interrupt it.
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : null
  } catch {
    return null
  }
}
