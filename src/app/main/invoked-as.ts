import {parse} from 'node:path'

const roles = new Map([
  ['pgroute66-check-primary', 'primary'],
  ['pgroute66-check-standby', 'standby'],
])

/** Flags that people try first. */
const shortForms = new Map([
  ['-h', '--help'],
  ['-v', '--version'],
  ['-V', '--version'],
])

const isConfigFile = (word: string): boolean => !word.startsWith('-') && /\.ya?ml$/i.test(word)

/**
 * The arguments as commands understand them. `argv[0]` is the name that the program was called by:
 * the link, not its target. `pgroute66-check-primary` means `check --role primary`. The original
 * pgroute66 took its config file as an argument, after `-c` or from $PGROUTE66CONFIG, and `-d` for its
 * debug log, without any command.
 */
export function rewriteArgv(
  [invoked = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): readonly string[] {
  const role = roles.get(parse(invoked).name)
  if (role !== undefined) return ['check', '--role', role, ...args]

  const [first = ''] = args
  if (first === 'help') return [...args.slice(1), '--help']
  if (shortForms.has(first)) return [shortForms.get(first) ?? first]
  if (isConfigFile(first)) return ['serve', '-c', ...args]
  if (first === '' && args.length === 0) return env.PGROUTE66CONFIG ? ['serve'] : []
  const isFlag = first === '-d' || first.startsWith('-c') || first === '--config' || first.startsWith('--config=')
  return isFlag ? ['serve', ...args] : args
}
