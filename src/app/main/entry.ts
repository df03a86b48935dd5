import {fastCheck, isMiss} from '../check/fast-path.ts'
import {print} from '../cli/print.ts'
import {rewriteArgv} from './invoked-as.ts'

/**
 * Where every run begins. What is imported above is loaded by every check that HAProxy makes, once
 * a second and server: anything larger is imported where it is needed.
 */
export async function enter(argv: readonly string[]): Promise<void> {
  // React and others take an absent NODE_ENV for a developer's machine, and are slower there.
  process.env.NODE_ENV ??= 'production'
  const args = rewriteArgv(argv)
  let hasFailed = false
  const fail = async (error: unknown) => {
    // Only the first is a cause.
    if (hasFailed) return
    hasFailed = true
    try {
      const [{printError}, {exitNow}] = await Promise.all([
        import('../cli/error-output.ts'),
        import('../../system/exit.ts'),
      ])
      exitNow(await printError(error, args))
    } catch (broken) {
      // Half an installation. Whatever else is tried here would end here again.
      print(
        2,
        `pgroute66: a part of it is missing: ${broken instanceof Error ? broken.message : broken}\nInstall it anew.`,
      )
      process.exit(70)
    }
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
    if (args.length === 1 && args[0] === '--version') return await printVersion()
    if (await isPlainCheck(args)) return
    const {OperatorError} = await import('../../core/errors.ts')
    // `| head -1` closes the pipe while we write: nothing went wrong.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit()
      const next = 'Make room there, or let it go somewhere else.'
      void fail(new OperatorError('OUTPUT', `standard output cannot be written (${error.code ?? error.message})`, next))
    })
    process.stderr.on('error', () => {})
    const {homeOf, osUser} = await import('../../config/libpq/environment.ts')
    if (osUser() === null) {
      // oclif cannot do without, and a uid without a name, as in a container, has neither.
      process.env.HOME ??= homeOf(process.env)
      process.env.SHELL ??= '/bin/sh'
    }
    const {runCommand} = await import('./command-line.ts')
    await runCommand(args)
  } catch (error) {
    await fail(error)
  }
}

/** A check without the command line's library, where the arguments need none. */
async function isPlainCheck(args: readonly string[]): Promise<boolean> {
  if (args[0] !== 'check') return false
  const {plainCheck} = await import('../check/argv.ts')
  const request = plainCheck(args)
  if (request === null) return false
  const [{check}, {exitNow}, {ownVersion}] = await Promise.all([
    import('../check/check.ts'),
    import('../../system/exit.ts'),
    import('../cli/version.ts'),
  ])
  return exitNow(await check(request, {env: process.env, cwd: directory(), version: ownVersion()}))
}

/** As oclif prints it. */
async function printVersion(): Promise<void> {
  const {ownVersion} = await import('../cli/version.ts')
  print(1, `pgroute66/${ownVersion()} ${process.platform}-${process.arch} node-${process.version}`)
}

/** A folder that has been deleted under us has no name. */
function directory(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}
