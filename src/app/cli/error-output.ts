import {type ErrorReport, reportOf} from './error-report.ts'
import {print} from './print.ts'

/** Says what went wrong where whoever runs us looks for it, and returns the exit code. */
export async function printError(error: unknown, args: readonly string[]): Promise<number> {
  const report = await reportOf(error, args)
  if (report.exit === 70 && process.env.PGROUTE66_DEBUG)
    print(2, error instanceof Error ? `${error.stack}` : String(error))
  return printReport(report, args)
}

export function printReport({exit, code, message, next}: ErrorReport, args: readonly string[]): number {
  // Nagios reads stdout, and knows no exit code above 3: whatever stops the check itself is
  // UNKNOWN.
  if (asksFor(args, 'format', 'nagios')) {
    print(1, `PGROUTE66 UNKNOWN - ${message.replaceAll(/\s*\n\s*/g, '; ').replaceAll('|', '/')}`)
    return 3
  }
  if (args.slice(0, endOfFlags(args)).includes('--json'))
    print(1, JSON.stringify({exit, ok: false, error: {code, message, next}}))
  else print(2, `pgroute66: ${message}\n${next}`)
  return exit
}

function asksFor(args: readonly string[], flag: string, value: string): boolean {
  const flags = args.slice(0, endOfFlags(args))
  return (
    flags.includes(`--${flag}=${value}`) ||
    flags.some((word, index) => word === `--${flag}` && flags[index + 1] === value)
  )
}

const endOfFlags = (args: readonly string[]): number => (args.includes('--') ? args.indexOf('--') : args.length)
