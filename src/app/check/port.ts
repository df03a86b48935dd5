import type {Config, Pem} from '../../config/config.ts'
import {deadline} from '../../core/wait.ts'
import {httpRequest} from '../../sources/daemon/http-request.ts'
import {systemClock} from '../../system/clock.ts'
import {readPlainFile} from '../../system/plain-file.ts'
import {answerIn, type DaemonAnswer, type Miss} from './fast-path.ts'

/** Addresses to listen on that are none to connect to. */
const anywhere: Readonly<Record<string, string>> = {'0.0.0.0': '127.0.0.1', '::': '::1', localhost: 'localhost'}

/**
 * The same question on the port that the configuration names. The daemon's certificate must be the
 * configured one. Its issuer and names do not count: the daemon runs on this machine, and hardly
 * any certificate names 127.0.0.1.
 */
export async function askPort(
  {bind, port, ssl}: Config,
  path: string,
  timeoutMs: number,
): Promise<DaemonAnswer | Miss> {
  const host = anywhere[bind] ?? bind
  const endpoint = `${ssl ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
  const tls = ssl && {fingerprint256: await fingerprintOf(ssl.cert)}
  // Loaded before the time counts: on a busy machine that takes longer than the daemon's answer.
  await (ssl ? import('node:https') : import('node:http'))
  using limit = deadline(systemClock, timeoutMs)
  const {signal} = limit
  try {
    const reply = await httpRequest({host, port, tls}, {path, signal})
    return answerIn(reply, endpoint) ?? {kind: 'absent', endpoint, why: 'the server that answers is not pgroute66'}
  } catch (error) {
    if (signal.aborted) return {kind: 'silent', endpoint, why: `no answer within ${timeoutMs} ms`}
    const {code, message} = error as NodeJS.ErrnoException
    return {kind: 'absent', endpoint, why: code ?? message}
  }
}

async function fingerprintOf(cert: Pem): Promise<string> {
  const {X509Certificate} = await import('node:crypto')
  return new X509Certificate('pem' in cert ? cert.pem : await readPlainFile(cert.file)).fingerprint256
}
