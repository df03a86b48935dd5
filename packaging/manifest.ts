export type Flag = Readonly<{
  name: string
  char?: string
  description?: string
  type: 'option' | 'boolean'
  options?: readonly string[]
  helpValue?: string
  default?: unknown
}>
/** `words`: the words that call the command, `['config', 'check']`. */
export type Listed = Readonly<{
  words: readonly string[]
  summary: string
  description: string
  usage: string
  examples: readonly string[]
  args: readonly Readonly<{name: string; description?: string; options?: readonly string[]; required?: boolean}>[]
  flags: readonly Flag[]
}>
export type Manifest = readonly Listed[]

type Raw = Readonly<{
  commands: Readonly<
    Record<
      string,
      Omit<Listed, 'words' | 'args' | 'flags' | 'examples'> &
        Readonly<{
          args: Record<string, Listed['args'][number]>
          flags: Record<string, Flag>
          examples?: readonly string[]
        }>
    >
  >
}>

/** The part of oclif's manifest that the manual and the completions need. */
export function manifestOf(json: string): Manifest {
  const {commands} = JSON.parse(json) as Raw
  return Object.entries(commands).map(([id, {args: rawArgs, flags: rawFlags, ...command}]) => {
    const words = id.split(':')
    const [args, flags] = [Object.values(rawArgs), Object.values(rawFlags)]
    const usage = [
      ...words,
      ...args.map(({name, required}) => (required ? name.toUpperCase() : `[${name.toUpperCase()}]`)),
    ].join(' ')
    return {
      words,
      args,
      flags,
      summary: command.summary,
      description: command.description ?? '',
      usage: command.usage ?? usage,
      examples: (command.examples ?? []).map((text) =>
        text.replaceAll('<%= config.bin %>', 'pgroute66').replaceAll('<%= command.id %>', words.join(' ')),
      ),
    }
  })
}

/** Flags whose value is a file's path. */
export const takesFile = ({helpValue}: Flag): boolean => /^(FILE|PATH|SOCKET)$/.test(helpValue ?? '')

/** Arguments that are names of hosts, which the configuration knows. */
export const takesHost = ({name}: Listed['args'][number]): boolean => ['host', 'one', 'other'].includes(name)

/** Prints the names of the hosts; nothing where this user may not read the configuration. */
export const listsHosts = 'config show --hosts 2>/dev/null'

/** First words of commands with several words, each with the commands that begin with it. */
export function topics(manifest: Manifest): ReadonlyMap<string, readonly Listed[]> {
  const found = new Map<string, Listed[]>()
  for (const command of manifest) {
    const [first = '', second] = command.words
    if (second !== undefined) found.set(first, [...(found.get(first) ?? []), command])
  }
  return found
}

/** The first words of all commands, each once. */
export const firstWords = (manifest: Manifest): readonly string[] => [
  ...new Set(manifest.map(({words: [first = '']}) => first)),
]
