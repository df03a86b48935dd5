import type {ConnectionSettings, HostSettings} from '../../../core/settings.ts'
import {type Keys, named} from '../../reading/section.ts'
import {describe} from '../../reading/shape.ts'
import type {Context} from '../context.ts'
import {type Document, given, mask} from '../document.ts'
import type {Section} from '../section.ts'
import {hostFields} from './host-fields.ts'
import {acceptName, namesOf} from './host-name.ts'

const keys = {
  hosts: describe(
    'the PostgreSQL servers; libpq keywords',
    named(hostFields, (name, _node, path, report) => acceptName('host', name, path, report), namesOf('host')),
  ),
}

/** The PostgreSQL servers. They may come from connection strings too, so the context holds them. */
export const hostSection = {
  keys,
  synonyms: {servers: 'hosts', nodes: 'hosts'},
  settings: (_: Keys<typeof keys>, {hosts}: Context): {hosts: readonly HostSettings[]} => ({hosts}),
  document: ({hosts}) => ({hosts: Object.fromEntries(hosts.map((host) => [host.name, hostDocument(host)]))}),
} satisfies Section

function keepaliveDocument(keepalive: ConnectionSettings['keepalive']): Document {
  if (keepalive === null) return {keepalives: 0}
  return {
    keepalives_idle: keepalive.idleSeconds,
    keepalives_interval: keepalive.intervalSeconds,
    keepalives_count: keepalive.count,
  }
}

function hostDocument({connection, aliases, location, delayed}: HostSettings): Document {
  const {password} = connection
  return given({
    host: connection.host,
    hostaddr: connection.hostaddr,
    port: connection.port,
    user: connection.user,
    // Whether .pgpass has a password is known when the server asks for one, not here.
    password: 'text' in password ? mask : null,
    password_file: password.from === 'password_file' ? password.path : null,
    passfile: password.from === 'pgpass' ? password.path : null,
    dbname: connection.dbname,
    sslmode: connection.sslmode,
    sslrootcert: connection.sslrootcert,
    sslcert: connection.sslcert,
    sslkey: connection.sslkey,
    sslpassword: connection.sslpassword === null ? null : mask,
    sslcertmode: connection.sslcertmode,
    sslcrl: connection.sslcrl,
    sslcrldir: connection.sslcrldir,
    sslnegotiation: connection.sslnegotiation,
    sslsni: connection.sslsni,
    ssl_min_protocol_version: connection.tlsVersions.min,
    ssl_max_protocol_version: connection.tlsVersions.max,
    require_auth: connection.requireAuth?.text ?? null,
    channel_binding: connection.channelBinding,
    connect_timeout: connection.connectTimeoutMs === null ? null : connection.connectTimeoutMs / 1000,
    ...keepaliveDocument(connection.keepalive),
    application_name: connection.applicationName,
    options: connection.options,
    aliases: aliases.length > 0 ? aliases : null,
    location,
    delayed,
  })
}
