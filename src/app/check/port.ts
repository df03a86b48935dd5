import type {Config, Pem} from '../../config/config.ts'
import {deadline} from '../../core/wait.ts'
import {type HttpEndpoint, httpRequest} from '../../sources/daemon/http-request.ts'
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
export async function askPort(config: Config, path: string, timeoutMs: number): Promise<DaemonAnswer | Miss> {
  const {at, url: endpoint} = await portOf(config)
  const {ssl} = config
  // Loaded before the time counts: on a busy machine that takes longer than the daemon's answer.
  await (ssl ? import('node:https') : import('node:http'))
  using limit = deadline(systemClock, timeoutMs)
  const {signal} = limit
  try {
    const reply = await httpRequest(at, {path, signal})
    return answerIn(reply, endpoint) ?? {kind: 'absent', endpoint, why: 'the server that answers is not pgroute66'}
  } catch (error) {
    if (signal.aborted) return {kind: 'silent', endpoint, why: `no answer within ${timeoutMs} ms`}
    const {code, message} = error as NodeJS.ErrnoException
    return {kind: 'absent', endpoint, why: code ?? message}
  }
}

/** Where a daemon of this configuration listens on this machine, for a program and for people. */
export async function portOf({bind, port, ssl}: Config): Promise<Readonly<{at: HttpEndpoint; url: string}>> {
  const host = anywhere[bind] ?? bind
  const url = `${ssl ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
  return {at: {host, port, tls: ssl && {fingerprint256: await fingerprintOf(ssl.cert)}}, url}
}

async function fingerprintOf(cert: Pem): Promise<string> {
  const {X509Certificate} = await import('node:crypto')
  return new X509Certificate('pem' in cert ? cert.pem : await readPlainFile(cert.file)).fingerprint256
}
