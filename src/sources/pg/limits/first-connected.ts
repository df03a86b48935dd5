import type {Socket} from 'node:net'
import {onAbort} from '../../../core/wait.ts'
import type {Patience} from './patience.ts'

/** The kernel repeats a SYN that got lost after a second. */
const secondTryMs = 300

/**
 * Opens a socket, and a second one where the first has no answer after `secondTryMs`. The socket that
 * connects first wins, and the other is destroyed. A refusal of either is the server's answer: rejects
 * with it. After an abort all sockets are destroyed, and nothing settles.
 */
export function firstConnected(
  open: () => Socket,
  {clock, signal, roundTrips}: Pick<Patience, 'clock' | 'signal' | 'roundTrips'>,
): Promise<Socket> {
  const {promise, resolve, reject} = Promise.withResolvers<Socket>()
  const sockets: Socket[] = []
  const endWith = (winner: Socket | null) => {
    cancel()
    forget()
    for (const socket of sockets) if (socket !== winner) socket.destroy()
  }
  const begin = () => {
    const answered = roundTrips.begin()
    const socket = open()
    sockets.push(socket)
    const failed = (error: Error) => {
      endWith(null)
      reject(error)
    }
    // An error without a listener would end the process, also long after this function.
    socket.on('error', () => undefined).once('error', failed)
    socket.once('connect', () => {
      socket.off('error', failed)
      answered()
      endWith(socket)
      resolve(socket)
    })
  }
  const cancel = clock.after(secondTryMs, begin)
  const forget = onAbort(signal, () => endWith(null))
  if (!signal.aborted) begin()
  return promise
}
