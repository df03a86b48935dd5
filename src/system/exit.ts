import {existsSync} from 'node:fs'

/**
 * Work of libuv's threads that cannot be cancelled: a name that the resolver does not answer, a file
 * on a dead disk.
 */
const pooled = /^(GetAddrInfo|GetNameInfo|FSReq)/

/**
 * Ends the process now. `process.exit` joins the thread pool first, so it waits as long as the
 * resolver does (seen: for ever, with a pipe that has no writer). Where such work is pending, the
 * process replaces itself by a shell that only exits.
 */
export function exitNow(code: number): never {
  if (process.getActiveResourcesInfo().some((resource) => pooled.test(resource)) && existsSync('/bin/sh')) {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {})
  }
  process.exit(code)
}
