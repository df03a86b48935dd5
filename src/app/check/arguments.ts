import {isDsn} from '../../config/libpq/dsn.ts'
import {OperatorError} from '../../core/errors.ts'
import {anyQuestion, type CheckQuestion, haproxyQuestion} from './question.ts'

/**
 * What `check` was told to look at. `dsns`: these servers and no others, whatever the configuration
 * says.
 */
export type CheckTarget = Readonly<{dsns: readonly string[]; question: CheckQuestion}>

/**
 * Reads the arguments of `check`: HAProxy's four, one HOST, connection strings, or none. Throws
 * OperatorError.
 */
export function targetOf(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  given: Pick<CheckQuestion, 'role' | 'group' | 'maxLag'>,
): CheckTarget {
  const asked = haproxyQuestion(words, env, given.role)
  if (asked) return {dsns: [], question: {...asked, group: given.group, maxLag: given.maxLag}}
  if (words.some((word) => isDsn(word))) {
    if (!words.every((word) => isDsn(word))) {
      throw new OperatorError(
        'USAGE',
        'a host and a connection string are given',
        'Give a HOST of the configuration, or connection strings.',
      )
    }
    if (given.group !== null) {
      throw new OperatorError('USAGE', '--group with connection strings, which have no groups', 'Leave --group out.')
    }
    return {dsns: words, question: {...anyQuestion, ...given}}
  }
  const [server = null] = words
  if (words.length > 1) {
    const next =
      words.length === 4
        ? 'Ask for one HOST. Four arguments are taken from HAProxy alone, which sets HAPROXY_SERVER_NAME.'
        : 'Ask for one HOST, or for none and get all of them.'
    throw new OperatorError('USAGE', `${words.length} hosts are given`, next)
  }
  return {dsns: [], question: {...anyQuestion, server, ...given}}
}
