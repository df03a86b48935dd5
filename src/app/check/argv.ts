import {OperatorError} from '../../core/errors.ts'
import type {CheckRequest} from './check.ts'

/** What the command `check` declares to oclif: a test compares the two. */
export const checkFlags = {
  options: {
    role: ['primary', 'standby', 'read-only', 'any'],
    'max-lag': null,
    group: null,
    timeout: null,
    format: ['text', 'nagios'],
    socket: null,
    fallback: ['probe', 'none'],
    config: null,
  },
  booleans: ['json', 'direct'],
  letters: {g: 'group', t: 'timeout', c: 'config'},
  exclusive: [
    ['json', 'format'],
    ['direct', 'socket'],
    ['direct', 'fallback'],
  ],
} as const

type Option = keyof typeof checkFlags.options
type Given = Partial<Record<Option | 'json' | 'direct', string>>

/**
 * The arguments of a check, without oclif, which takes longer to load than a check takes. Only what
 * cannot be meant otherwise: `null` for everything that oclif has to say a word about, help and
 * mistakes among them.
 */
export function plainCheck([command, ...rest]: readonly string[]): CheckRequest | null {
  if (command !== 'check') return null
  const given: Given = {}
  const words: string[] = []
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index] ?? ''
    if (!word.startsWith('-')) {
      words.push(word)
      continue
    }
    const [, name = '', , attached] = /^--?([a-z-]+)(=(.*))?$/s.exec(word) ?? []
    const flag = nameOf(word, name)
    if (flag === null || flag in given) return null
    if (isBoolean(flag)) {
      if (attached !== undefined) return null
      given[flag] = ''
      continue
    }
    const value = attached ?? rest[++index] ?? ''
    const allowed: readonly string[] | null = checkFlags.options[flag]
    if (value === '' || value.startsWith('-') || allowed?.includes(value) === false) return null
    given[flag] = value
  }
  // An unset variable. Without it the check would be of the whole group, and say that some host is
  // primary.
  if (words.includes(''))
    throw new OperatorError(
      'USAGE',
      'HOST is empty',
      'Is a variable not set? Leave the word out to ask for the whole group.',
    )
  if (checkFlags.exclusive.some((pair) => pair.every((flag) => flag in given))) return null

  const {
    role = null,
    group = null,
    'max-lag': maxLag = null,
    format = 'text',
    fallback = 'probe',
    timeout,
    socket,
    config,
  } = given
  return {
    words,
    role,
    group,
    maxLag,
    timeout,
    json: 'json' in given,
    format,
    socket,
    fallback,
    direct: 'direct' in given,
    config,
  }
}

/** `-c FILE`, `--config FILE` and `--config=FILE`; `-cFILE` and `-c=FILE` are left to oclif. */
function nameOf(word: string, name: string): Option | 'json' | 'direct' | null {
  const {letters, options} = checkFlags
  if (!word.startsWith('--'))
    return word.length === 2 && Object.hasOwn(letters, name) ? letters[name as keyof typeof letters] : null
  return Object.hasOwn(options, name) || isBoolean(name) ? (name as Option) : null
}

const isBoolean = (name: string): name is 'json' | 'direct' => (checkFlags.booleans as readonly string[]).includes(name)
