import type {Config} from '../config/config.ts'
import {OperatorError} from '../core/errors.ts'

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Is another pgroute66 running? Stop it, or choose another port or socket.',
  EADDRNOTAVAIL: 'This machine does not have the address of bind: use 127.0.0.1, "*", or one that it has.',
  EACCES: 'Ports below 1024 need a privilege, and a socket needs a folder that this user may write to.',
  EPERM: 'Give this user the right to it, socket_group included.',
  ENOENT: 'Make the folder of the socket first.',
  ENOTFOUND: 'The name in bind is not known: write an address.',
}

/** What listening failed with, in words. Anything else is passed on as it is. */
export function listenError(error: unknown, config: Config): unknown {
  const {code, address, port} = error as NodeJS.ErrnoException & {address?: string; port?: number}
  const next = code === undefined ? undefined : advice[code]
  if (error instanceof OperatorError || code === undefined || next === undefined) return error
  const place = address === undefined ? `${config.bind}:${config.port}` : port === undefined ? address : `${address}:${port}`
  return new OperatorError(`LISTEN_${code}`, `the API cannot listen on ${place} (${code})`, next, {cause: error})
}
