import type {ErrorCode} from '../../core/error-codes.ts'
import {OperatorError} from '../../core/errors.ts'
import type {Reply} from '../../sources/daemon/get-unix.ts'
import {failureText, type HttpEndpoint, httpRequest} from '../../sources/daemon/http-request.ts'
import {readNamed} from '../../system/named-file.ts'

/** How a command reaches the daemon that it gives an order to. */
export type Channel = Readonly<
  | {socket: string}
  | {
      url: string
      tokenFile: string | undefined
      ca: string | undefined
      cert?: string | undefined
      key?: string | undefined
    }
>

const usualLimitMs = 10_000

/**
 * Sends an order to the daemon: `POST path`. Resolves to the body of its 200; throws OperatorError
 * with the daemon's own text otherwise.
 */
export async function order(
  channel: Channel,
  path: string,
  body: object,
  limitMs = usualLimitMs,
): Promise<Readonly<Record<string, unknown>>> {
  // A daemon that hangs must not carry out the order later, when the sender has gone. `before` is
  // read by the daemon's clock, which is the sender's clock only on the same machine.
  const limit = 'socket' in channel ? {before: new Date(Date.now() + limitMs).toISOString()} : {}
  return answerOf(
    channel,
    await send(channel, {path, method: 'POST', body: JSON.stringify({...body, ...limit})}, limitMs),
  )
}

/** Asks the daemon that takes the orders: `GET path`. Throws as `order` does. */
export const question = async (
  channel: Channel,
  path: string,
  limitMs = usualLimitMs,
): Promise<Readonly<Record<string, unknown>>> => answerOf(channel, await send(channel, {path, method: 'GET'}, limitMs))

function answerOf(channel: Channel, reply: Reply): Readonly<Record<string, unknown>> {
  const answer = parsed(reply.body)
  if (reply.status === 200) return answer
  const {code, detail, next} = answer
  throw new OperatorError(
    // A newer daemon may send codes that this program does not know: they pass as they are.
    typeof code === 'string' ? (code as ErrorCode) : 'DAEMON',
    typeof detail === 'string' ? detail : `${endpointOf(channel)} answers with ${reply.status}`,
    typeof next === 'string' ? next : 'Is that pgroute66?',
  )
}

type Sent = Readonly<{path: string; method: 'GET' | 'POST'; body?: string}>
async function send(channel: Channel, sent: Sent, limitMs: number): Promise<Reply> {
  const token = 'url' in channel && channel.tokenFile !== undefined ? await tokenIn(channel.tokenFile) : null
  const headers = {'content-type': 'application/json', ...(token !== null && {authorization: `Bearer ${token}`})}
  const endpoint = 'socket' in channel ? {socketPath: channel.socket} : await endpointOfChannel(channel)
  try {
    return await httpRequest(endpoint, {...sent, headers, signal: AbortSignal.timeout(limitMs)})
  } catch (error) {
    throw unreachable(channel, error as NodeJS.ErrnoException, {limitMs, text: failureText(error, endpoint)})
  }
}

/** Throws OperatorError on an address that is none, and on a certificate that cannot be read. */
export async function endpointOfChannel({url, ca, cert, key}: Extract<Channel, {url: string}>): Promise<HttpEndpoint> {
  const {hostname, port, protocol} = urlOf(url)
  const place = {host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? undefined : Number(port)}
  if (protocol !== 'https:') return {...place, tls: null}
  const pem = ca === undefined ? undefined : await readNamed(ca, 'CA')
  const own =
    cert === undefined || key === undefined
      ? null
      : {cert: await readNamed(cert, 'FILE'), key: await readNamed(key, 'FILE')}
  return {...place, tls: {ca: pem, own}}
}

async function tokenIn(path: string): Promise<string> {
  const token = (await readNamed(path, 'TOKEN')).trim()
  if (/^\S+$/.test(token)) return token
  throw new OperatorError(
    'TOKEN',
    `${path} must hold one token and nothing else`,
    'In a line of tokens_file the token is the last word. Copy only that word.',
  )
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new OperatorError('USAGE', '--url is not a URL', 'Write https://HOST:PORT.')
}

const endpointOf = (channel: Channel): string => ('socket' in channel ? channel.socket : channel.url)

type Failed = Readonly<{limitMs: number; text: string}>
function unreachable(channel: Channel, error: NodeJS.ErrnoException, failed: Failed): OperatorError {
  const [why, next] = reasonOf(channel, error, failed)
  return new OperatorError('NO_DAEMON', why, next, {cause: error})
}

function reasonOf(
  channel: Channel,
  {code}: NodeJS.ErrnoException,
  {limitMs, text}: Failed,
): readonly [why: string, next: string] {
  const endpoint = endpointOf(channel)
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return [
        `this user may not open ${endpoint} (${code})`,
        'Run this as the user that the daemon runs as, or as root.',
      ]
    case 'ENOENT':
    case 'ECONNREFUSED':
      return [
        `no daemon answers at ${endpoint} (${code})`,
        'Start "pgroute66 serve" with control_socket, or name a daemon with --url and --token-file.',
      ]
    case 'ABORT_ERR': {
      const fate =
        'socket' in channel
          ? 'the daemon discards the order unless it had already started it'
          : 'the daemon may still carry out the order'
      return [
        `no answer from ${endpoint} within ${limitMs / 1_000} s: ${fate}`,
        'See why the daemon hangs, and look at the daemon before you repeat or replace the order.',
      ]
    }
    default:
      return [`the request to ${endpoint} failed: ${text}`, 'Check the address, and look at the log of the daemon.']
  }
}

const parsed = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}
