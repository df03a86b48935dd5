import {readFileSync} from 'node:fs'

/** The uid and gid of an account without rights on Linux. */
const unprivileged = 65534

export type OsAccount = Readonly<{uid: number; gid: number}>

/**
 * The account to run PostgreSQL under where this process is root, which PostgreSQL refuses. `null`:
 * this process is not root, and PostgreSQL runs under its account.
 */
export function postgresAccount(): OsAccount | null {
  if (process.getuid?.() !== 0) return null
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  // Without an account "postgres", the one that owns no files.
  const [, , uid, gid] = lines.find((entry) => entry.startsWith('postgres:'))?.split(':') ?? []
  return {uid: Number(uid ?? unprivileged), gid: Number(gid ?? unprivileged)}
}
