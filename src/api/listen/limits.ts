import {readFileSync} from 'node:fs'
import type {ServerOptions} from 'node:http'

/**
 * A client that sends nothing, or sends its request slowly, is disconnected: the answers take no
 * time, so a request must not take long either. `connectionsCheckingInterval` is how exact the other
 * limits are.
 */
export const timeLimits: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
}

/** A socket without traffic in either direction is closed after this. Streams send every 15 s. */
export const idleMs = 70_000
/** Node's default is 120 s: until then an unfinished handshake costs as much as a client. */
export const handshakeMs = 10_000

/**
 * Clients get half of the file descriptors of this process. The other half is left for sessions to
 * PostgreSQL, however many clients connect.
 */
export const mostClients = (): number => Math.max(64, Math.min(8_192, Math.floor(descriptors() / 2)))

function descriptors(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return Number(soft ?? 1_024)
  } catch {
    return 1_024
  }
}
