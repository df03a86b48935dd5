import {readFile} from 'node:fs/promises'
import type {TLSSocket} from 'node:tls'
import type {Config} from '../../config/config.ts'
import {type DaemonAnswer, type Miss, parseAnswer} from './fast-path.ts'

/** Addresses to listen on that are none to connect to. */
const anywhere: Readonly<Record<string, string>> = {'0.0.0.0': '127.0.0.1', '::': '::1', localhost: 'localhost'}

/**
 * The same question on the port that the configuration names. The certificate must be the
 * configured one, whoever signed it and whatever name it carries: it is this machine's own, and
 * "127.0.0.1" is in hardly any certificate.
 */
export async function askPort(
  {bind, port, ssl}: Config,
  path: string,
  timeoutMs: number,
): Promise<DaemonAnswer | Miss> {
  const host = anywhere[bind] ?? bind
  const endpoint = `${ssl ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
  const miss = (kind: Miss['kind'], why: string): Miss => ({kind, endpoint, why})
  const pinned = ssl === null ? null : await fingerprintOf(ssl.cert)
  // The one that is needed: TLS takes longer to load than a check may take.
  const request = ssl === null ? (await import('node:http')).request : (await import('node:https')).request
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const common = {host, port, path, signal, agent: false, headers: {accept: 'application/json'}} as const
    const asking = request(ssl === null ? common : {...common, rejectUnauthorized: false})
    asking.on('error', (error: NodeJS.ErrnoException) =>
      resolve(
        signal.aborted
          ? miss('silent', `no answer within ${Math.round(timeoutMs)} ms`)
          : miss('absent', error.code ?? error.message),
      ),
    )
    asking.on('response', (response) => {
      const presented = pinned === null ? null : (response.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256
      if (presented !== pinned) {
        resolve(miss('absent', 'what answers there does not have the configured certificate'))
        return asking.destroy()
      }
      const chunks: string[] = []
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => chunks.push(chunk))
      response.on('end', () =>
        resolve(parseAnswer(chunks.join('')) ?? miss('absent', 'what answers there is not pgroute66')),
      )
      response.on('error', (error) => resolve(miss('absent', error.message)))
    })
    asking.end()
  })
}

async function fingerprintOf(cert: Readonly<{pem: string} | {file: string}>): Promise<string> {
  const {X509Certificate} = await import('node:crypto')
  return new X509Certificate('pem' in cert ? cert.pem : await readFile(cert.file)).fingerprint256
}
