import {readFileSync} from 'node:fs'

export type OsAccount = Readonly<{uid: number; gid: number}>

/**
 * PostgreSQL refuses to run as root: the account to run it under instead. `null`: we are nobody
 * special, and run it ourselves.
 */
export function postgresAccount(): OsAccount | null {
  if (process.getuid?.() !== 0) return null
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const line =
    lines.find((entry) => entry.startsWith('postgres:')) ?? lines.find((entry) => entry.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  return {uid: Number(uid ?? 65534), gid: Number(gid ?? 65534)}
}
