import {readFileSync} from 'node:fs'
import type {ServerOptions} from 'node:http'

/**
 * Whoever says nothing, or little by little, is not waited for: answers take no time, so neither
 * may questions. `connectionsCheckingInterval` is how exact the other limits are.
 */
export const timeLimits: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
}

/** A socket on which nothing moves either way for so long; streams say something each 15 s. */
export const idleMs = 70_000
/** Node has 120 s, in which a thousand half-made handshakes cost what a thousand clients do. */
export const handshakeMs = 10_000

/**
 * Half of the descriptors that this process may have is for clients: the other half reaches
 * PostgreSQL, whatever clients do.
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
