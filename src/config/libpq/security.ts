import type {ConnectionSettings, SslMode} from '../../core/settings.ts'
import type {HostFields} from '../sections/hosts/host-fields.ts'
import {variable} from './environment.ts'
import {type ConnectionEnv, fromEnvironment} from './from-environment.ts'
import {refusedValues} from './keyword-values.ts'

type Security = Pick<
  ConnectionSettings,
  'requireAuth' | 'channelBinding' | 'sslcertmode' | 'sslnegotiation' | 'tlsVersions'
>
type About = Readonly<{isUnix: boolean; sslmode: SslMode; path: string}>

/** libpq's default. Its own default for the latest version is no limit. */
const oldestTls = 'TLSv1.2'
const order = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** Variables of keywords that this program does not have: see `refusedValues`. */
const refusedVariables = {
  PGGSSENCMODE: 'gssencmode',
  PGMINPROTOCOLVERSION: 'min_protocol_version',
  PGMAXPROTOCOLVERSION: 'max_protocol_version',
}

/**
 * What makes a connection stricter, with libpq's rules across several keywords (connectOptions2 in
 * fe-connect.c). What can never connect is refused here, not at the first login.
 */
export function securityOf(given: HostFields, about: About, around: ConnectionEnv): Security {
  const {isUnix, sslmode, path} = about
  const {env, report} = around
  refuseVariables(around)
  const requireAuth = given.require_auth ?? fromEnvironment('require_auth', 'PGREQUIREAUTH', around)
  const channelBinding =
    given.channel_binding ?? fromEnvironment('channel_binding', 'PGCHANNELBINDING', around) ?? 'prefer'
  const sslcertmode = given.sslcertmode ?? fromEnvironment('sslcertmode', 'PGSSLCERTMODE', around) ?? 'allow'
  const sslnegotiation =
    given.sslnegotiation ?? fromEnvironment('sslnegotiation', 'PGSSLNEGOTIATION', around) ?? 'postgres'
  const min =
    given.ssl_min_protocol_version ??
    fromEnvironment('ssl_min_protocol_version', 'PGSSLMINPROTOCOLVERSION', around) ??
    oldestTls
  const max =
    given.ssl_max_protocol_version ??
    fromEnvironment('ssl_max_protocol_version', 'PGSSLMAXPROTOCOLVERSION', around) ??
    null
  if (max !== null && order.indexOf(min) > order.indexOf(max))
    report.refuse(
      `${path}.ssl_max_protocol_version`,
      'CONFIG_CONFLICT',
      `is ${max}, which is older than ssl_min_protocol_version ${min}`,
      'Set the two so that a version lies between them.',
    )
  const isPlain = isUnix || sslmode === 'disable'
  const plain = isUnix ? 'a unix socket has no TLS' : 'sslmode is disable'
  if (isPlain && channelBinding === 'require')
    conflict(around, `${path}.channel_binding`, `is require, and ${plain}`, 'Set sslmode: verify-full.')
  if (isPlain && sslcertmode === 'require')
    conflict(around, `${path}.sslcertmode`, `is require, and ${plain}`, 'Set sslmode: verify-full.')
  if (sslnegotiation === 'direct' && !isUnix && ['disable', 'allow', 'prefer'].includes(sslmode))
    conflict(around, `${path}.sslmode`, `is ${sslmode}, which sslnegotiation direct does not allow`, 'Use verify-full.')
  if (isUnix && (given.requirepeer ?? variable(env, 'PGREQUIREPEER')) !== null)
    report.refuse(
      `${path}.requirepeer`,
      'CONFIG_NOT_SUPPORTED',
      'names the owner of the server, which pgroute66 cannot verify',
      'Remove it, and let no one else write to the directory of the socket.',
    )
  return {requireAuth, channelBinding, sslcertmode, sslnegotiation, tlsVersions: {min, max}}
}

const conflict = ({report}: ConnectionEnv, path: string, message: string, next: string) =>
  report.refuse(path, 'CONFIG_CONFLICT', message, next)

function refuseVariables({env, report}: ConnectionEnv): void {
  for (const [name, keyword] of Object.entries(refusedVariables)) {
    const value = variable(env, name)
    const refusal = value === null || !report.isClean(`$${name}`) ? null : (refusedValues[keyword]?.(value) ?? null)
    if (refusal) report.refuse(`$${name}`, refusal.code, refusal.message, refusal.next)
  }
}
