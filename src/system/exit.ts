import {existsSync} from 'node:fs'

/**
 * Work of libuv's threads, which nobody can cancel: a name that the resolver does not answer, a
 * file on a disk that is gone.
 */
const pooled = /^(GetAddrInfo|GetNameInfo|FSReq)/

/**
 * Ends the process now. `process.exit` joins the thread pool first, so that it waits for a resolver
 * as long as the resolver pleases (seen: for ever, with a pipe that nobody writes to). Where such
 * work is open, the process becomes another one that does nothing but exit.
 */
export function exitNow(code: number): never {
  if (process.getActiveResourcesInfo().some((resource) => pooled.test(resource)) && existsSync('/bin/sh')) {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {})
  }
  process.exit(code)
}
