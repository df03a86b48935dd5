import {OperatorError} from './errors.ts'
import {nearest} from './words/nearest.ts'

/** The names that an answer lists at most: a daemon may watch a thousand hosts. */
const mostListed = 10
/** A longer name from outside is cut: names of hosts and groups have at most 63 characters. */
const longestName = 63

export type UnknownName = Readonly<{code: 'UNKNOWN_HOST' | 'UNKNOWN_GROUP'; message: string; next: string}>

/**
 * What every door answers to the name of a host or a group that there is not, with the known name
 * that was probably meant. `where`: a part of the sentence that limits it (` in orders`).
 */
export function unknownName(
  kind: 'host' | 'group',
  name: string,
  known: readonly string[],
  {where = ''}: Readonly<{where?: string}> = {},
): UnknownName {
  const [code, title] = kind === 'host' ? (['UNKNOWN_HOST', 'Hosts'] as const) : (['UNKNOWN_GROUP', 'Groups'] as const)
  const meant = nearest(name, known)
  const more = known.length > mostListed ? ' …' : ''
  const listed = known.length === 0 ? 'none' : `${known.slice(0, mostListed).join(', ')}${more}`
  return {
    code,
    message: `there is no ${kind} ${JSON.stringify(name.slice(0, longestName))}${where}`,
    next: `${meant === null ? '' : `Did you mean "${meant}"? `}${title}: ${listed}.`,
  }
}

/** The same, to be thrown. */
export function unknownNameError(...asked: Parameters<typeof unknownName>): OperatorError {
  const {code, message, next} = unknownName(...asked)
  return new OperatorError(code, message, next)
}
