import type {ClientRequest, IncomingMessage, RequestOptions} from 'node:http'
import type {ErrorCode} from '../../core/error-codes.ts'
import {OperatorError} from '../../core/errors.ts'
import {readNamed} from '../../system/named-file.ts'

/** How a command reaches the daemon that it wants something done by. */
export type Channel = Readonly<{socket: string} | {url: string; tokenFile: string | undefined; ca: string | undefined}>

const limitMs = 10_000

/**
 * Orders something from the daemon: `POST path`. Resolves to the body of its 200; throws
 * OperatorError with the daemon's own words otherwise.
 */
export async function order(channel: Channel, path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  // So that a daemon that hangs does not carry it out when it goes on, with nobody waiting and the
  // world another. By its clock, which over a network is another than ours.
  const limit = 'socket' in channel ? {before: new Date(Date.now() + limitMs).toISOString()} : {}
  const response = await send(channel, path, JSON.stringify({...body, ...limit}))
  const chunks: string[] = []
  response.setEncoding('utf8')
  for await (const chunk of response) chunks.push(chunk as string)
  const answer = parsed(chunks.join(''))
  if (response.statusCode === 200) return answer
  const {code, detail, next} = answer
  throw new OperatorError(
    // A newer daemon may know codes that this program does not: they pass as they are.
    typeof code === 'string' ? (code as ErrorCode) : 'DAEMON',
    typeof detail === 'string' ? detail : `${placeOf(channel)} answers with ${response.statusCode}`,
    typeof next === 'string' ? next : 'Is that pgroute66?',
  )
}

async function send(channel: Channel, path: string, text: string): Promise<IncomingMessage> {
  const headers = {'content-type': 'application/json', 'content-length': Buffer.byteLength(text)}
  const common = {path, method: 'POST', headers, agent: false, signal: AbortSignal.timeout(limitMs)} as const
  const request = await open(channel, common)
  return new Promise((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', (error) => reject(unreachable(channel, error)))
    request.end(text)
  })
}

async function open(channel: Channel, common: RequestOptions): Promise<ClientRequest> {
  const http = await import('node:http')
  if ('socket' in channel) return http.request({...common, socketPath: channel.socket})
  const {hostname, port, protocol} = urlOf(channel.url)
  const token = channel.tokenFile === undefined ? null : await tokenIn(channel.tokenFile)
  const headers = {...common.headers, ...(token !== null && {authorization: `Bearer ${token}`})}
  const to = {...common, headers, host: hostname.replace(/^\[|\]$/g, ''), ...(port !== '' && {port})}
  if (protocol === 'http:') return http.request(to)
  const https = await import('node:https')
  return https.request({...to, ...(channel.ca !== undefined && {ca: await readNamed(channel.ca, 'CA')})})
}

async function tokenIn(path: string): Promise<string> {
  const token = (await readNamed(path, 'TOKEN')).trim()
  if (/^\S+$/.test(token)) return token
  throw new OperatorError(
    'TOKEN',
    `${path} does not hold a token and nothing else`,
    'Of a line of tokens_file, the token is the last word.',
  )
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new OperatorError('USAGE', '--url is not a URL', 'Write https://HOST:PORT.')
}

const placeOf = (channel: Channel): string => ('socket' in channel ? channel.socket : channel.url)

function unreachable(channel: Channel, error: NodeJS.ErrnoException): OperatorError {
  const {code} = error
  const place = placeOf(channel)
  const [why, next] =
    code === 'EACCES' || code === 'EPERM'
      ? [`${place} may not be opened by this user`, 'Run this as the user that the daemon runs as, or as root.']
      : code === 'ENOENT' || code === 'ECONNREFUSED'
        ? [
            `no daemon answers at ${place} (${code})`,
            'Start "pgroute66 serve" with control_socket, or name a daemon with --url and --token-file.',
          ]
        : code === 'ABORT_ERR'
          ? [
              `${place} has not answered within ${limitMs / 1_000} s: the order ${'socket' in channel ? 'is void, unless it was begun by then' : 'may still be carried out'}`,
              'See why the daemon hangs, and look at what it says before you repeat or replace the order.',
            ]
          : [
              `${place} cannot be talked to (${code ?? error.message})`,
              'Look at the address, and at the log of the daemon.',
            ]
  return new OperatorError('NO_DAEMON', why, next, {cause: error})
}

const parsed = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}
