import type {UnknownAddress} from '../../core/offers/unknown-addresses.ts'
import {getUnix} from './get-unix.ts'

const timeoutMs = 3_000

/** What a running daemon has seen; none where no daemon answers, or an older one. Never rejects. */
export async function unknownAddresses(socket: string): Promise<readonly UnknownAddress[]> {
  const reply = await getUnix(socket, '/v1/unknown-addresses', timeoutMs)
  if (typeof reply === 'string' || reply.status !== 200) return []
  try {
    const list: unknown = JSON.parse(reply.body)
    return Array.isArray(list) ? list.filter(isUnknownAddress) : []
  } catch {
    return []
  }
}

function isUnknownAddress(value: unknown): value is UnknownAddress {
  const {host, address, port} = Object(value) as Record<string, unknown>
  return typeof host === 'string' && typeof address === 'string' && (port === null || typeof port === 'number')
}
