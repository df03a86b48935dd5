import {request} from 'node:http'
import {request as tlsRequest} from 'node:https'
import type {Config} from '../../../config/config.ts'
import {getUnix} from '../../../sources/daemon/get-unix.ts'

const timeoutMs = 2_000
const mostBytes = 16 * 1024 * 1024

/**
 * Does the daemon of this configuration run already? It is one that watches one of these hosts at least,
 * at the same address, and answers on a socket or the port of the configuration. Never rejects. Not all of
 * them: a file is checked before a reload that adds a host.
 */
export async function isOwnDaemon(config: Config): Promise<boolean> {
  for (const socket of [config.socket, config.controlSocket]) {
    const reply = socket === null ? 'absent' : await getUnix(socket, '/v1/snapshot', timeoutMs)
    if (typeof reply !== 'string' && isAbout(reply.body, config)) return true
  }
  return isAbout(await overPort(config), config)
}

function isAbout(body: string, {hosts}: Config): boolean {
  try {
    const watched = Object(Object(JSON.parse(body)).hosts) as Record<string, {address?: unknown; port?: unknown}>
    const same = ({name, connection}: Config['hosts'][number]) =>
      watched[name]?.address === (connection.hostaddr ?? connection.host) && watched[name]?.port === connection.port
    return hosts.some(same)
  } catch {
    return false
  }
}

/** The certificate is not verified: the answer is only compared, and nothing is sent. */
function overPort({bind, port, ssl}: Config): Promise<string> {
  const host = bind === '0.0.0.0' ? '127.0.0.1' : bind === '::' ? '::1' : bind
  const options = {host, port, path: '/v1/snapshot', timeout: timeoutMs, rejectUnauthorized: false, agent: false}
  return new Promise((resolve) => {
    const asked = (ssl === null ? request : tlsRequest)(options, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        body += text
        if (body.length > mostBytes) response.destroy()
      })
      response.on('end', () => resolve(body))
      response.on('close', () => resolve(''))
    })
    const limit = setTimeout(() => asked.destroy(), timeoutMs)
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(''))
    asked.on('close', () => {
      clearTimeout(limit)
      resolve('')
    })
    asked.end()
  })
}
