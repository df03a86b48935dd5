import type {PeerSettings} from '../../core/settings.ts'
import {type Heard, type PeerClient, troubleOf} from './client.ts'
import {jsonOf} from './view.ts'

/** primgr's own port. */
const usualPort = '5999'
const largestBytes = 64 * 1024

/**
 * primgr, asked for the primary of repmgr's table at its node: `GET /primary`. Its `/state` is a verdict,
 * which confirms nothing.
 */
export class PrimgrPeer implements PeerClient {
  readonly #origin: string

  constructor({url}: PeerSettings) {
    const {hostname, port} = new URL(url)
    this.#origin = `http://${hostname}:${port || usualPort}`
  }

  /** On a connection of its own, as primgr's peers ask. */
  async ask(_group: string, signal: AbortSignal): Promise<Heard> {
    const {Client} = await import('undici')
    const client = new Client(this.#origin, {pipelining: 1, maxResponseSize: largestBytes})
    try {
      const {statusCode, body} = await client.request({method: 'GET', path: '/primary', signal})
      const text = await body.text()
      if (statusCode === 503) return {trouble: 'knows no primary, or its database is down'}
      if (statusCode !== 200) return {trouble: `answers ${statusCode}`}
      return {word: {kind: 'metadata', masters: [nameIn(text)], slaves: [], named: 'by name'}}
    } catch (error) {
      return {trouble: troubleOf(error, signal)}
    } finally {
      await client.destroy()
    }
  }

  async close(): Promise<void> {}
}

function nameIn(text: string): string {
  const name = (Object(jsonOf(text)) as Readonly<Record<string, unknown>>).Primary
  if (typeof name === 'string' && /^[\w.-]{1,63}$/.test(name)) return name
  throw new SyntaxError('it sent no name of a primary')
}
