import {OperatorError} from '../../core/errors.ts'
import type {AuthMethod, RequiredAuth} from '../../core/settings.ts'

const methods: readonly AuthMethod[] = ['password', 'md5', 'gss', 'sspi', 'scram-sha-256', 'oauth']
/** What this program can answer. */
const own: readonly AuthMethod[] = ['password', 'md5', 'scram-sha-256']

/**
 * `scram-sha-256,none` or `!password,!md5` (PostgreSQL documentation, 34.1.2 "require_auth").
 * Throws OperatorError with a message that continues the path.
 */
export function parseRequireAuth(text: string): RequiredAuth {
  const words = text.split(',')
  const isNegative = text.startsWith('!')
  const mixed = words.find((word) => word.startsWith('!') !== isNegative)
  if (mixed !== undefined)
    throw wrong('mixes methods with and without "!"', 'Name the methods that are allowed, or those that are not.')
  const bare = words.map((word) => word.replace(/^!/, ''))
  const unknown = bare.some((word) => word !== 'none' && !methods.includes(word as AuthMethod))
  if (unknown) throw wrong('has an unknown method', `Known: ${methods.join(', ')}, none.`)
  if (new Set(bare).size < bare.length) throw wrong('names a method twice', 'Name each method once.')
  const allowed = methods.filter((method) => bare.includes(method) !== isNegative)
  const mayBeNone = bare.includes('none') !== isNegative
  if (!mayBeNone && !allowed.some((method) => own.includes(method))) {
    const next = `pgroute66 has ${own.join(', ')}, and client certificates (none).`
    throw new OperatorError('CONFIG_NOT_SUPPORTED', 'names only methods that pgroute66 does not have', next)
  }
  return {text, methods: allowed, mayBeNone, isNegative}
}

const wrong = (message: string, next: string) => new OperatorError('CONFIG_VALUE', message, next)
