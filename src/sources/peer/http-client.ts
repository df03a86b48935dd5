import type {Client} from 'undici'
import type {PeerSettings} from '../../core/settings.ts'
import {textIn} from '../../system/configured-file.ts'
import {type Heard, type PeerClient, troubleOf} from './client.ts'
import {viewOf} from './view.ts'

/** A view of a thousand hosts. A larger answer ends the connection. */
const largestBytes = 1 << 20

type Opened = Readonly<{client: Client; headers: Readonly<Record<string, string>>}>

/**
 * Another pgroute66, asked for its SQL-only view over one kept connection. Files are read anew for each
 * connection, and the connection ends with the first question that fails.
 */
export class HttpPeer implements PeerClient {
  readonly #settings: PeerSettings
  #opened: Promise<Opened> | null = null

  constructor(settings: PeerSettings) {
    this.#settings = settings
  }

  async ask(group: string, signal: AbortSignal): Promise<Heard> {
    this.#opened ??= this.#open()
    const opening = this.#opened
    try {
      const {client, headers} = await opening
      const path = `/v1/view?group=${encodeURIComponent(group)}`
      const {statusCode, body} = await client.request({method: 'GET', path, headers, signal})
      const text = await body.text()
      if (statusCode !== 200) {
        // Its token or certificate may be renewed by now.
        await this.#end(opening)
        return {trouble: refusalOf(statusCode, text, group)}
      }
      return {word: {kind: 'view', view: viewOf(text, group)}}
    } catch (error) {
      await this.#end(opening)
      return {trouble: troubleOf(error, signal)}
    }
  }

  async close(): Promise<void> {
    if (this.#opened !== null) await this.#end(this.#opened)
  }

  async #open(): Promise<Opened> {
    const {Client} = await import('undici')
    const {url, caFile, certFile, keyFile, tokenFile, serverName} = this.#settings
    const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map((file) => textIn(file)))
    const token = await textIn(tokenFile, 'TOKEN_UNREADABLE')
    const connect = {
      ...(ca !== undefined && {ca}),
      ...(cert !== undefined && {cert}),
      ...(key !== undefined && {key}),
      ...(serverName !== null && {servername: serverName}),
    }
    return {
      client: new Client(new URL(url).origin, {connect, pipelining: 1, maxResponseSize: largestBytes}),
      headers: {accept: 'application/json', ...(token !== undefined && {authorization: `Bearer ${token.trim()}`})},
    }
  }

  /** Another question may have ended this connection, and opened a new one, already. */
  async #end(opened: Promise<Opened>): Promise<void> {
    if (this.#opened === opened) this.#opened = null
    try {
      const {client} = await opened
      await client.destroy()
    } catch {
      // Nothing was opened: a file cannot be read, which the question has told.
    }
  }
}

function refusalOf(status: number, body: string, group: string): string {
  if (status === 401 || status === 403) return `refuses this daemon (${status}): see token_file and cert_file`
  if (status !== 404) return `answers ${status}`
  return body.includes('UNKNOWN_GROUP')
    ? `watches no group ${group}`
    : 'knows no /v1/view: it is an earlier version, or no pgroute66'
}
