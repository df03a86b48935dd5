import {type ErrorReport, reportOf} from './error-report.ts'
import {print} from './print.ts'

export type OutputFormat = 'text' | 'json' | 'nagios'
/** A text, the file descriptor that it goes to, and the exit code. */
export type Presented = Readonly<{fd: 1 | 2; text: string; exit: number}>

/** Prints the error in the format that the arguments ask for, and returns the exit code. */
export async function printError(error: unknown, args: readonly string[]): Promise<number> {
  const report = await reportOf(error, args)
  if (report.exit === 70 && process.env.PGROUTE66_DEBUG)
    print(2, error instanceof Error ? `${error.stack}` : String(error))
  const {fd, text, exit} = presentError(report, formatOf(args))
  print(fd, text)
  return exit
}

export function presentError({exit, code, message, next}: ErrorReport, format: OutputFormat): Presented {
  // Nagios reads stdout, and knows no exit code above 3. An error of the check itself is UNKNOWN.
  if (format === 'nagios') {
    const line = message.replaceAll(/\s*\n\s*/g, '; ').replaceAll('|', '/')
    return {fd: 1, text: `PGROUTE66 UNKNOWN - ${line}`, exit: 3}
  }
  if (format === 'json') return {fd: 1, text: JSON.stringify({exit, ok: false, error: {code, message, next}}), exit}
  return {fd: 2, text: `pgroute66: ${message}\n${next}`, exit}
}

/** Read from the words themselves: the error may be that they cannot be parsed. */
function formatOf(args: readonly string[]): OutputFormat {
  const flags = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length)
  const isNagios = flags.some(
    (word, index) => word === '--format=nagios' || (word === '--format' && flags[index + 1] === 'nagios'),
  )
  if (isNagios) return 'nagios'
  return flags.includes('--json') ? 'json' : 'text'
}
