import {isIP} from 'node:net'
import type {GateRules} from '../../../core/node/guard-settings.ts'
import type {Report} from '../../reading/report.ts'

type Read = Readonly<{
  databases: readonly string[]
  users: Readonly<{read_write: readonly string[]; read_only: readonly string[]}>
  addresses: readonly string[]
  allow: string
  deny: string
}>

/** A name that pg_hba.conf takes without quotes; `+role` means the members of a role. */
const name = /^[A-Za-z0-9_][A-Za-z0-9_.$-]{0,62}$/
const userName = /^\+?[A-Za-z0-9_][A-Za-z0-9_.$-]{0,62}$/
const method = /^[a-z][a-z0-9-]*( [a-z_]+=[^\s"]+)*$/

/** Each part is written to pg_hba.conf as it is, so what PostgreSQL would not read is refused here. */
export function gateRules(read: Read, report: Report): GateRules {
  const {databases, users, addresses, allow, deny} = read
  const all = [...users.read_write, ...users.read_only]
  if (all.length === 0 && report.isClean('guard'))
    report.refuse('guard.users', 'CONFIG_MISSING', 'names no user', 'Write users: {read_write: [app]}.')
  for (const [key, list] of Object.entries(users)) checkUsers(list, `guard.users.${key}`, report)
  for (const user of users.read_only)
    if (users.read_write.includes(user)) {
      const text = `${report.quote(user, userName)}is in read_write too`
      report.refuse('guard.users.read_only', 'CONFIG_CONFLICT', text, 'Keep the user in one of the two.')
    }
  for (const [index, database] of databases.entries())
    if (!name.test(database) || database === 'replication') {
      const next = 'Write the name of a database, or all. Replication is never gated.'
      const text = `${report.quote(database)}is not a database that can be gated`
      report.refuse(`guard.databases[${index}]`, 'CONFIG_VALUE', text, next)
    }
  if (addresses.length === 0 && report.isClean('guard'))
    report.refuse('guard.addresses', 'CONFIG_MISSING', 'names no address', 'Write addresses: [10.0.0.0/8].')
  const from = addresses.map((address, index) => addressOf(address, `guard.addresses[${index}]`, report))
  if (!method.test(allow) || allow.startsWith('reject'))
    report.refuse('guard.allow', 'CONFIG_VALUE', 'is not a method that lets users in', 'Write scram-sha-256.')
  if (allow.startsWith('trust')) {
    const text = 'is trust, so the gated users need no password'
    report.warn('guard.allow', text, 'Write scram-sha-256.')
  }
  if (deny !== 'reject')
    report.refuse('guard.deny', 'CONFIG_VALUE', 'is a method that may let users in', 'Write reject, or remove it.')
  return {
    databases: databases.length === 0 ? ['all'] : databases,
    readWrite: users.read_write,
    readOnly: users.read_only,
    addresses: from,
    allow,
    deny,
  }
}

function checkUsers(users: readonly string[], path: string, report: Report): void {
  for (const [index, user] of users.entries()) {
    const at = `${path}[${index}]`
    if (user === 'all') {
      const text = 'gates every user, the monitoring and the replication among them'
      report.refuse(at, 'CONFIG_VALUE', text, 'Name the users of applications and routers, or +role.')
    } else if (!userName.test(user)) {
      report.refuse(at, 'CONFIG_VALUE', 'is not a user name that pg_hba.conf takes without quotes', 'Name a user.')
    }
  }
}

const longest = {4: 32, 6: 128} as const

/** As PostgreSQL reads it: an address without a mask is one host. */
function addressOf(text: string, path: string, report: Report): string {
  if (['all', 'samehost', 'samenet', 'local'].includes(text)) return text
  const [address = '', mask, ...more] = text.split('/')
  const family = isIP(address)
  // With a zone (fe80::1%eth0), pg_hba.conf would depend on interfaces, and could not be read without them.
  if ((family === 4 || family === 6) && !address.includes('%')) {
    const bits = longest[family]
    if (mask === undefined) return `${address}/${bits}`
    if (more.length === 0 && /^\d{1,3}$/.test(mask) && Number(mask) <= bits) return text
  }
  const message = `${report.quote(text, /^[\w.:/-]{1,64}$/)}is not an address with a mask`
  report.refuse(path, 'CONFIG_VALUE', message, 'Write it like 10.21.57.65/32 or fd00::/8; or all, or local.')
  return text
}
