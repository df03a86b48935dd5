import {rewriteArgv} from './argv.ts'
import {fastCheck, isMiss} from './fast-check.ts'
import {print} from './output.ts'

/**
 * Where every run begins. What is imported above is loaded by every check that HAProxy makes, once a second and server: anything larger is imported
 * where it is needed.
 */
export async function enter(argv: readonly string[]): Promise<void> {
  // React and others take an absent NODE_ENV for a developer's machine, and are slower there.
  process.env.NODE_ENV ??= 'production'
  const args = rewriteArgv(argv)
  const fail = async (error: unknown) => {
    const [{printError}, {leave}] = await Promise.all([import('./error-output.ts'), import('./leave.ts')])
    leave(await printError(error, args))
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  try {
    const answer = await fastCheck(args, process.env, directory())
    if (answer !== null && !isMiss(answer)) {
      if (answer.error) print(2, `pgroute66: ${answer.error.message}\n${answer.error.next}`)
      else print(1, answer.text ?? '')
      process.exit(answer.exit)
    }
    // `| head -1` closes the pipe while we write: nothing went wrong.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? process.exit() : fail(error)))
    process.stderr.on('error', () => {})
    const {runCommand} = await import('./command-line.ts')
    await runCommand(args)
  } catch (error) {
    await fail(error)
  }
}

/** A folder that has been deleted under us has no name. */
function directory(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}
