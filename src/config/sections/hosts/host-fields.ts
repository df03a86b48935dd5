import {refusedValues} from '../../libpq/keyword-values.ts'
import {flagOfDigit, idleKey, idleKeywords, keywords, pgxKeys} from '../../libpq/keywords.ts'
import type {Report} from '../../reading/report.ts'
import {block, choice, text} from '../../reading/scalar.ts'
import {below, list, section} from '../../reading/section.ts'
import {describe, type Read, type Shape} from '../../reading/shape.ts'
import {isGiven, isMapping, isText, type Node} from '../../reading/yaml-node.ts'
import {passwordEncoding} from './password-encoding.ts'

const synonyms = {
  database: 'dbname',
  db: 'dbname',
  username: 'user',
  hostname: 'host',
  address: 'host',
  passwd: 'password',
  sslca: 'sslrootcert',
}

const fields = section(
  {
    ...keywords,
    b64password: describe('as password, but always base64', block()),
    password_file: describe('file that holds the plain password; read at every connection', text(null)),
    password_encoding: passwordEncoding,
    aliases: describe(
      'other addresses of this server: replication networks, NAT; with a port, a pooler in front of it',
      list(text('')),
    ),
    location: describe('where the host is', text(null)),
    delayed: describe('read: readers get this host although recovery_min_apply_delay is set', choice(null, ['read'])),
  },
  {synonyms},
)
export type HostFields = Read<typeof fields>

/** One host of the file. Takes idle keys of libpq and pgx with a warning, and refuses unknown keys. */
export const hostFields: Shape<HostFields> = {
  ...fields,
  schema: {
    ...fields.schema,
    properties: {
      ...(fields.schema.properties as object),
      ...Object.fromEntries(
        [...idleKeywords, ...pgxKeys].map((key) => [key, {description: 'has no effect here', deprecated: true}]),
      ),
      ...Object.fromEntries(
        Object.keys(refusedValues).map((key) => [key, {description: 'not supported', deprecated: true}]),
      ),
      service: {description: 'section of pg_service.conf whose keywords hold where this host has none'},
      servicefile: {description: 'that file; default $PGSERVICEFILE, then ~/.pg_service.conf'},
      requiressl: {description: '1: sslmode require', deprecated: true},
    },
  },
  read(node, path, report) {
    if (!isMapping(node)) return fields.read(node, path, report)
    return fields.read(new Map([...node].flatMap(([key, value]) => keep(key, value, path, report))), path, report)
  },
}

function keep(key: string, value: Node, path: string, report: Report): [string, Node][] {
  // Services of hosts are read before; this one is of a connection string inside the file.
  if ((key === 'service' || key === 'servicefile') && isGiven(value)) {
    const message = 'names a connection service, which is not read here'
    report.refuse(below(path, key), 'CONFIG_SERVICE', message, 'Copy the keywords of the service to this place.')
    return []
  }
  // libpq 7.4's name: it sets sslmode, and the later of the two wins.
  if (key === 'requiressl' && isText(value) && isGiven(value))
    return [['sslmode', value.startsWith('1') ? 'require' : 'prefer']]
  const refusedValue = Object.hasOwn(refusedValues, key) ? refusedValues[key] : undefined
  if (refusedValue !== undefined && isText(value)) {
    const refusal = isGiven(value) ? refusedValue(value) : null
    if (refusal) report.refuse(below(path, key), refusal.code, refusal.message, refusal.next)
    return []
  }
  const idle = isGiven(value) ? idleKey(key) : null
  if (idle) report.warn(below(path, key), idle.message, idle.next)
  if (idle) return []
  return [[key, key === 'sslsni' && typeof value === 'string' ? (flagOfDigit[value] ?? value) : value]]
}
