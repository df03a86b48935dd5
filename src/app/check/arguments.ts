/** What the command `check` declares to oclif; a test compares the two. */
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
  booleans: ['json', 'direct', 'not-deposed'],
  letters: {g: 'group', t: 'timeout', c: 'config'},
  exclusive: [
    ['json', 'format'],
    ['direct', 'socket'],
    ['direct', 'fallback'],
  ],
} as const

type Option = keyof typeof checkFlags.options
type Flag = Option | (typeof checkFlags.booleans)[number]

/** The arguments of `check` as text: the words that are no flags, and the flags that were given. */
export type CheckArguments = Readonly<{words: readonly string[]; flags: Readonly<Partial<Record<Flag, string>>>}>

/**
 * Reads the arguments of `check` without oclif, which takes longer to load than a check takes.
 * `null`: oclif has to read them, because they ask for help, hold a mistake, or are spelled in a way
 * that only oclif knows.
 */
export function readArguments([command, ...rest]: readonly string[]): CheckArguments | null {
  if (command !== 'check') return null
  const flags: Partial<Record<Flag, string>> = {}
  const words: string[] = []
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index] ?? ''
    if (!word.startsWith('-')) {
      words.push(word)
      continue
    }
    const [, name = '', , attached] = /^--?([a-z-]+)(=(.*))?$/s.exec(word) ?? []
    const flag = flagOf(word, name)
    if (flag === null || flag in flags) return null
    if (isBoolean(flag)) {
      if (attached !== undefined) return null
      flags[flag] = ''
      continue
    }
    const value = attached ?? rest[++index] ?? ''
    const allowed: readonly string[] | null = checkFlags.options[flag]
    if (value === '' || value.startsWith('-') || allowed?.includes(value) === false) return null
    flags[flag] = value
  }
  // It asks no daemon: its program is loaded by the command alone.
  if ('not-deposed' in flags) return null
  return checkFlags.exclusive.some((pair) => pair.every((flag) => flag in flags)) ? null : {words, flags}
}

/** The same, as oclif has parsed them. Its defaults count as given: they change nothing. */
export const parsedArguments = (
  words: readonly string[],
  parsed: Readonly<Record<string, string | boolean | undefined>>,
): CheckArguments => ({
  words,
  flags: Object.fromEntries(
    Object.entries(parsed).flatMap(([flag, value]) => (value ? [[flag, value === true ? '' : value]] : [])),
  ),
})

/** `-c FILE`, `--config FILE` and `--config=FILE`; `-cFILE` and `-c=FILE` are left to oclif. */
function flagOf(word: string, name: string): Flag | null {
  const {letters, options} = checkFlags
  if (!word.startsWith('--'))
    return word.length === 2 && Object.hasOwn(letters, name) ? letters[name as keyof typeof letters] : null
  return Object.hasOwn(options, name) || isBoolean(name) ? (name as Flag) : null
}

const isBoolean = (name: string): name is (typeof checkFlags.booleans)[number] =>
  (checkFlags.booleans as readonly string[]).includes(name)

/** What the daemon is asked, as text: only the daemon or the configuration can judge it. `null`: not given. */
export type CheckQuestion = Readonly<{
  server: string | null
  address: string | null
  port: string | null
  /** HAProxy's proxy. Where `role` is not given, `haproxy.backends` says which role the proxy means. */
  proxy: string | null
  role: string | null
  group: string | null
  maxLag: string | null
}>

/**
 * The question of HAProxy's external check (its manual, "external-check command"). HAProxy passes
 * four arguments - proxy address and port, server address and port - and HAPROXY_* variables.
 * HAPROXY_SERVER_NAME alone tells HAProxy from an operator with four words. `null`: not HAProxy.
 */
export function haproxyQuestion({words, flags}: CheckArguments, env: NodeJS.ProcessEnv): CheckQuestion | null {
  const [, , address, port] = words
  if (env.HAPROXY_SERVER_NAME === undefined || words.length !== 4 || address === undefined || port === undefined)
    return null
  // A server on a unix socket has no port: HAProxy's name for the server is all there is.
  const endpoint = /^\d{1,5}$/.test(port) ? {address, port} : {}
  const [server, proxy] = [env.HAPROXY_SERVER_NAME || null, env.HAPROXY_PROXY_NAME || null]
  return {...questionAbout(null, flags), ...endpoint, server, proxy}
}

/** The question about one host, or (`null`) about the whole group. */
export function questionAbout(server: string | null, flags: CheckArguments['flags']): CheckQuestion {
  const {role = null, group = null, 'max-lag': maxLag = null} = flags
  return {server, address: null, port: null, proxy: null, role, group, maxLag}
}

/**
 * The host that HAProxy means by its own arguments, as `host=` takes it (API.md). None: HAProxy's
 * server has no name or no port, or the question is not HAProxy's.
 */
export function serverMeant({server, address, port}: CheckQuestion): readonly string[] {
  if (server === null || address === null || port === null) return []
  return [`${server}@${address.includes(':') && !address.startsWith('[') ? `[${address}]` : address}:${port}`]
}

/** The path of `GET /v1/check` (API.md). `meant`: the hosts that the daemon has to watch. */
export function pathOf(question: CheckQuestion, meant: readonly string[]): string {
  const {server, address, port, proxy, role, group, maxLag} = question
  const given = Object.entries({server, address, port, proxy, role, group, max_lag: maxLag}).filter(
    ([, value]) => value !== null,
  )
  const all = [...given, ...meant.map((host) => ['host', host] as const)]
  return `/v1/check?${all.map(([key, value]) => `${key}=${encodeURIComponent(value ?? '')}`).join('&')}`
}
