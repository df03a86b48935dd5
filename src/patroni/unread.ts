import {EtcdError} from '../etcd/error.ts'
import {PatroniError} from './error.ts'

/**
 * `.catch(unread)`: a question that brought no answer is `null`; a bug is thrown. After an order, a
 * question that fails must not hide what became of the order.
 */
export function unread(error: unknown): null {
  if (error instanceof PatroniError || error instanceof EtcdError) return null
  throw error
}
