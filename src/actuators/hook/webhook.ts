import type {Dispatcher} from 'undici'
import type {HookSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import {deadline} from '../../core/wait.ts'
import {type Deliver, type Delivery, delivered, failed, inSeconds} from './delivery.ts'
import {hookDocument} from './event.ts'
import {replyOf, retryAfterMs} from './retry.ts'
import {readSecret, signatureOf} from './signature.ts'
import {unlessAborted} from './unless-aborted.ts'

/** The status decides. The body is read up to this limit only, so that the server can finish. */
const bodyLimit = {bytes: 65_536, ms: 1_000} as const

export type WebhookSettings = Extract<HookSettings, {kind: 'post'}>

/**
 * POSTs an event. Each try opens a connection: events are months apart, and a connection that was
 * kept would be dead by then. Redirects are not followed: they would send a signed event to a server
 * outside the configuration.
 */
export const webhookDelivery =
  (settings: WebhookSettings, clock: Clock): Deliver =>
  async (event, signal) => {
    let headers: Readonly<Record<string, string>>
    const body = hookDocument(event)
    try {
      headers = await unlessAborted(headersOf(settings, {body, wall: clock.wall()}), signal)
    } catch (error) {
      const {code, message} = error as NodeJS.ErrnoException
      return failed(
        `gets no event while secret_file cannot be used (${code ?? message}): let the user of pgroute66 read it`,
      )
    }
    // Loaded at the first event: most starts need no undici.
    const {Agent, request} = await import('undici')
    const dispatcher = new Agent({connect: {timeout: settings.timeoutMs}, headersTimeout: 0, bodyTimeout: 0})
    try {
      const response = await request(bare(settings.url), {method: 'POST', dispatcher, headers, body, signal})
      await drain(response, clock, signal)
      return judge(response, clock.wall())
    } catch (error) {
      return failed(
        signal.aborted ? tooSlow(settings.timeoutMs) : refusal(error as NodeJS.ErrnoException, settings.timeoutMs),
      )
    } finally {
      await dispatcher.destroy().catch(() => {})
    }
  }

async function headersOf({url, secretFile}: WebhookSettings, {body, wall}: {body: string; wall: number}) {
  const timestamp = `${Math.floor(wall / 1000)}`
  const {username, password} = new URL(url)
  const login = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')
  return {
    'content-type': 'application/json',
    'user-agent': 'pgroute66',
    'x-pgroute66-timestamp': timestamp,
    ...(secretFile !== null && {'x-pgroute66-signature': signatureOf(await readSecret(secretFile), timestamp, body)}),
    ...(username !== '' && {authorization: `Basic ${login}`}),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function bare(url: string): URL {
  const parsed = new URL(url)
  parsed.username = ''
  parsed.password = ''
  return parsed
}

async function drain({body}: Dispatcher.ResponseData, clock: Clock, signal: AbortSignal): Promise<void> {
  using limit = deadline(clock, bodyLimit.ms, signal)
  body.on('error', () => {})
  await body.dump({limit: bodyLimit.bytes, signal: limit.signal}).catch(() => {})
}

function judge({statusCode, headers}: Dispatcher.ResponseData, wall: number): Delivery {
  const reply = replyOf(statusCode)
  if (reply === 'delivered') return delivered
  const after = headers['retry-after']
  const askedMs = retryAfterMs(typeof after === 'string' ? after : null, wall)
  return failed(`answers ${statusCode}: ${adviceFor(statusCode)}`, {isFinal: reply === 'refused', askedMs})
}

function adviceFor(status: number): string {
  if (status === 401 || status === 403) return 'check secret_file, and that the receiver has the same secret'
  if (status >= 300 && status < 400) return 'redirects are not followed; set "post" to the new address'
  if (status >= 400 && status < 500) return 'check the address in "post" and what the receiver expects'
  return 'read the log of the receiver'
}

const trust = 'add its authority to the trusted ones of this machine, or to NODE_EXTRA_CA_CERTS'

const tooSlow = (ms: number) => `did not answer within ${inSeconds(ms)}: find out why it hangs, or raise its timeout`

/** By the code alone: the message of an error may hold the address, and its path often is a secret. */
function refusal({code = 'error'}: NodeJS.ErrnoException, timeoutMs: number): string {
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return tooSlow(timeoutMs)
  if (code === 'ECONNREFUSED') return 'refuses the connection: is the receiver running, and is the port correct?'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `has a host name that DNS does not find (${code}): check the address in "post", and DNS`
  if (/CERT|SELF_SIGNED|VERIFY|ALTNAME/.test(code)) {
    return `has an untrusted certificate (${code}): ${trust}`
  }
  return `cannot be reached (${code}): check the network and the firewalls in between`
}
