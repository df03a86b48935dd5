import {isDsn} from '../../config/libpq/dsn.ts'
import {parseDuration} from '../../core/duration.ts'
import {OperatorError} from '../../core/errors.ts'
import {lagAdvice, parseLag} from '../../core/limits.ts'
import {type Limits, noLimits} from '../../core/offers/eligibility.ts'
import type {CheckRole} from '../../protocol/check-answer.ts'
import type {OutputFormat} from '../cli/error-output.ts'
import {type CheckArguments, type CheckQuestion, haproxyQuestion, questionAbout} from './arguments.ts'

/** One check, as the operator or HAProxy asked for it. Everything in it has been checked. */
export type CheckRequest = Readonly<{
  question: CheckQuestion
  /** These servers and no others, whatever the configuration says. */
  dsns: readonly string[]
  /** The role to print before the configuration is known: HAProxy's proxy may mean another one. */
  role: CheckRole
  maxLag: Limits
  /** `--timeout`; `null`: `check.timeout` of the configuration holds. */
  timeoutMs: number | null
  format: OutputFormat
  /** `--socket` or $PGROUTE66_SOCKET. */
  socket: string | null
  config: string | null
  mayAskDaemon: boolean
  mayProbe: boolean
}>

/**
 * Checks the arguments: HAProxy's four, one HOST, connection strings, or none. Throws OperatorError.
 */
export function requestOf(given: CheckArguments, env: NodeJS.ProcessEnv): CheckRequest {
  const {flags} = given
  const {question, dsns} = subjectOf(given, env)
  const request = {
    question,
    dsns,
    role: (question.role ?? 'primary') as CheckRole,
    maxLag: maxLagOf(question.maxLag),
    timeoutMs: flags.timeout === undefined ? null : timeoutOf(flags.timeout),
    format: formatOf(flags),
    socket: flags.socket ?? (env.PGROUTE66_SOCKET || null),
    config: flags.config ?? null,
    // Connection strings name servers that a daemon may not know.
    mayAskDaemon: !('direct' in flags) && dsns.length === 0,
    mayProbe: flags.fallback !== 'none',
  }
  if (dsns.length > 0 && !request.mayProbe) {
    throw new OperatorError(
      'USAGE',
      '--fallback none is given with connection strings, which no daemon is asked about',
      'Leave one of them out.',
    )
  }
  return request
}

function formatOf({json, format}: CheckArguments['flags']): OutputFormat {
  if (json !== undefined) return 'json'
  return format === 'nagios' ? 'nagios' : 'text'
}

function subjectOf(given: CheckArguments, env: NodeJS.ProcessEnv): Pick<CheckRequest, 'question' | 'dsns'> {
  const {words, flags} = given
  // Without the empty word the check would be of the whole group, and could say 0 for another host.
  if (words.includes('')) {
    const next = 'Is a variable not set? Leave the word out to ask for the whole group.'
    throw new OperatorError('USAGE', 'HOST is empty', next)
  }
  const asked = haproxyQuestion(given, env)
  if (asked) return {dsns: [], question: asked}
  if (words.some((word) => isDsn(word))) return {dsns: dsnsOf(given), question: questionAbout(null, flags)}
  if (words.length > 1) {
    const next =
      words.length === 4
        ? 'Ask for one HOST. Only HAProxy, which sets HAPROXY_SERVER_NAME, may give four arguments.'
        : 'Ask for one HOST. Without HOST, check asks for all of them.'
    throw new OperatorError('USAGE', `${words.length} hosts are given`, next)
  }
  return {dsns: [], question: questionAbout(words[0] ?? null, flags)}
}

function dsnsOf({words, flags}: CheckArguments): readonly string[] {
  if (!words.every((word) => isDsn(word))) {
    throw new OperatorError(
      'USAGE',
      'a host and a connection string are given',
      'Give a HOST of the configuration, or connection strings.',
    )
  }
  if (flags.group === undefined) return words
  throw new OperatorError(
    'USAGE',
    '--group is given with connection strings, which have no groups',
    'Leave --group out.',
  )
}

/** `16MB` or `5s`: a lag in bytes or in time. */
function maxLagOf(text: string | null): Limits {
  if (text === null) return noLimits
  const limits = parseLag(text, 'refused')
  if (limits !== null) return limits
  throw new OperatorError('USAGE', `--max-lag "${text}" is neither a size nor a duration`, lagAdvice)
}

function timeoutOf(text: string): number {
  try {
    const ms = parseDuration(text)
    if (ms > 0) return ms
  } catch (cause) {
    if (!(cause instanceof OperatorError)) throw cause
    throw new OperatorError('USAGE', `--timeout ${cause.message}`, cause.next, {cause})
  }
  throw new OperatorError('USAGE', '--timeout is zero, which leaves no time for an answer', 'Leave it out for 2s.')
}
