import {fstatSync} from 'node:fs'

/**
 * Whether standard error goes to systemd's journal (systemd.exec(5), "$JOURNAL_STREAM"): device and
 * inode of the stream. A shell that redirects standard error leaves the variable as it was, so the
 * two are compared.
 */
export function isStderrTheJournal({JOURNAL_STREAM: stream}: NodeJS.ProcessEnv): boolean {
  if (!stream) return false
  try {
    const {dev, ino} = fstatSync(2)
    return stream === `${dev}:${ino}`
  } catch {
    return false
  }
}
