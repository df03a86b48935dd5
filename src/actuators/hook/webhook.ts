import type {Dispatcher} from 'undici'
import type {HookSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import {deadline} from '../../core/wait.ts'
import {type Deliver, type Delivery, delivered, failed, inSeconds} from './delivery.ts'
import {hookDocument} from './event.ts'
import {replyOf, retryAfterMs} from './retry.ts'
import {readSecret, signatureOf} from './signature.ts'
import {unlessAborted} from './unless-aborted.ts'

/**
 * The status decides; what follows it is read only so that the server need not complain, and no
 * more than this.
 */
const courtesy = {bytes: 65_536, ms: 1_000} as const

export type WebhookSettings = Extract<HookSettings, {kind: 'post'}>

/**
 * POSTs an event. Each try has a connection of its own: a hook speaks a few times a year, and a
 * kept one would be dead by then. Redirects are not followed: they would take a signed event to
 * somebody whom nobody has configured.
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
        `nothing is sent unsigned, and secret_file cannot be used (${code ?? message}): let our user read the secret there`,
      )
    }
    // Loaded by the first event, not by every start.
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
  using limit = deadline(clock, courtesy.ms, signal)
  body.on('error', () => {})
  await body.dump({limit: courtesy.bytes, signal: limit.signal}).catch(() => {})
}

function judge({statusCode, headers}: Dispatcher.ResponseData, wall: number): Delivery {
  const reply = replyOf(statusCode)
  if (reply === 'delivered') return delivered
  const after = headers['retry-after']
  const askedMs = retryAfterMs(typeof after === 'string' ? after : null, wall)
  return failed(`answers ${statusCode}: ${adviceFor(statusCode)}`, {isFinal: reply === 'refused', askedMs})
}

function adviceFor(status: number): string {
  if (status === 401 || status === 403) return 'check its secret, and that the receiver knows the same one'
  if (status >= 300 && status < 400) return 'redirects are not followed, write the new address into "post"'
  if (status >= 400 && status < 500) return 'check the address in "post", and what the receiver expects'
  return 'the receiver says in its own log what is wrong'
}

const tooSlow = (ms: number) =>
  `did not answer within ${inSeconds(ms)}: see why it hangs, or raise the timeout of the hook`

/**
 * By its code: the message of an error may repeat the address, and the path of a webhook often is
 * its secret.
 */
function refusal({code = 'error'}: NodeJS.ErrnoException, timeoutMs: number): string {
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return tooSlow(timeoutMs)
  if (code === 'ECONNREFUSED') return 'refuses the connection: is it running, and is the port right?'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `its name is not found (${code}): check the address in "post", and DNS`
  if (/CERT|SELF_SIGNED|VERIFY|ALTNAME/.test(code)) {
    return `its certificate is not trusted (${code}): add its authority to those of this machine, or name it in NODE_EXTRA_CA_CERTS`
  }
  return `cannot be reached (${code}): see the network between here and there`
}
