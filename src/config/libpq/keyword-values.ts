import type {ErrorCode} from '../../core/error-codes.ts'
import {idleKey, keywords} from './keywords.ts'

/** Why a value of a keyword is refused; the message continues the path. */
export type Refusal = Readonly<{code: ErrorCode; message: string; next: string}>

const notSupported = (message: string, next: string): Refusal => ({code: 'CONFIG_NOT_SUPPORTED', message, next})
const wrong = (message: string, next: string): Refusal => ({code: 'CONFIG_VALUE', message, next})

/** `null`: the value is one of `harmless`, which asks for nothing. */
const only =
  (harmless: readonly string[], refused: readonly string[], refusal: Refusal) =>
  (value: string): Refusal | null => {
    if (harmless.includes(value)) return null
    const known = [...harmless, ...refused]
    return refused.length === 0 || refused.includes(value)
      ? refusal
      : wrong(`is not one of ${known.join(', ')}`, `Write ${harmless.join(' or ')}.`)
  }

const noGss = notSupported(
  'requires GSSAPI encryption, which pgroute66 does not have',
  'Use sslmode: verify-full, and remove this.',
)
const noKey = notSupported(
  'gives a SCRAM key, which pgroute66 cannot log in with',
  'Give the password, or a client certificate.',
)
const noOauth = notSupported(
  'is for OAuth, which pgroute66 does not have',
  'Give the role a password (scram-sha-256) or a client certificate.',
)

/**
 * Keywords of libpq that ask for what this program does not have. A value that would make the
 * connection stricter, or the login another one, is refused: it must not do nothing.
 */
export const refusedValues: Readonly<Record<string, (value: string) => Refusal | null>> = {
  // Without GSSAPI, `prefer` is `disable`, as in a libpq without credentials.
  gssencmode: only(['disable', 'prefer'], ['require'], noGss),
  replication: only(
    ['false', 'off', 'no', '0'],
    [],
    notSupported('asks for a replication connection, which answers no questions', 'Remove it.'),
  ),
  min_protocol_version: only(
    ['3.0'],
    ['3.2', 'latest'],
    notSupported('requires a later protocol than 3.0, which pgroute66 speaks', 'Remove it.'),
  ),
  max_protocol_version: only(['3.0', '3.2', 'latest'], ['none'], wrong('is not a version', 'Remove it.')),
  scram_client_key: () => noKey,
  scram_server_key: () => noKey,
  oauth_issuer: () => noOauth,
  oauth_client_id: () => noOauth,
  oauth_client_secret: () => noOauth,
  oauth_scope: () => noOauth,
}

/** Does a connection string take this keyword? pgx's keys stand in connection strings too. */
export const isKeyword = (keyword: string): boolean =>
  [keywords, refusedValues].some((known) => Object.hasOwn(known, keyword)) ||
  idleKey(keyword) !== null ||
  ['requiressl', 'service', 'servicefile'].includes(keyword)
