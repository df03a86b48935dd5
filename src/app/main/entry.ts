import {type CheckArguments, readArguments} from '../check/arguments.ts'
import {askFast, isMiss} from '../check/fast-path.ts'
import {print} from '../cli/print.ts'
import {rewriteArgv} from './invoked-as.ts'

/**
 * Every run begins here. HAProxy runs a check per server and second, and each loads the imports
 * above: anything larger is imported where it is needed.
 */
export async function enter(argv: readonly string[]): Promise<void> {
  // React and others take an absent NODE_ENV for a developer's machine, and are slower there.
  process.env.NODE_ENV ??= 'production'
  const args = rewriteArgv(argv, process.env)
  const fail = failureHandler(args)
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  try {
    const given = readArguments(args)
    if (given !== null) await runCheck(given)
    else if (args.length === 1 && args[0] === '--version') await printVersion()
    else await runByOclif(args, fail)
  } catch (error) {
    await fail(error)
  }
}

type FailureHandler = (error: unknown) => Promise<void>

/** Prints the first error and ends the process; later errors are consequences of the first. */
function failureHandler(args: readonly string[]): FailureHandler {
  let hasFailed = false
  return async (error) => {
    if (hasFailed) return
    hasFailed = true
    try {
      const [{printError}, {exitNow}] = await Promise.all([
        import('../cli/error-output.ts'),
        import('../../system/exit.ts'),
      ])
      exitNow(await printError(error, args))
    } catch (broken) {
      // The installation lacks files. Another import would fail in the same way.
      const why = broken instanceof Error ? broken.message : broken
      print(2, `pgroute66: a part of the installation is missing: ${why}\nInstall pgroute66 again.`)
      process.exit(70)
    }
  }
}

/** `check` without oclif: the daemon is asked before anything large is loaded. */
async function runCheck(given: CheckArguments): Promise<never> {
  const [env, cwd] = [process.env, directory()]
  const answer = await askFast(given, env, cwd)
  if (answer !== null && !isMiss(answer)) {
    if (answer.error) print(2, `pgroute66: ${answer.error.message}\n${answer.error.next}`)
    else print(1, answer.text ?? '')
    process.exit(answer.exit)
  }
  const [{check}, {exitNow}, {ownVersion}] = await Promise.all([
    import('../check/check.ts'),
    import('../../system/exit.ts'),
    import('../cli/version.ts'),
  ])
  return exitNow(await check(given, {env, cwd, version: ownVersion(), missed: answer}))
}

async function runByOclif(args: readonly string[], fail: FailureHandler): Promise<void> {
  const {OperatorError} = await import('../../core/errors.ts')
  // `| head -1` closes the pipe while the command still writes, which is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    const next = 'Make room there, or redirect the output.'
    void fail(new OperatorError('OUTPUT', `standard output cannot be written (${error.code ?? error.message})`, next))
  })
  process.stderr.on('error', () => {})
  const {homeOf, osUser} = await import('../../config/libpq/environment.ts')
  if (osUser() === null) {
    // oclif needs both, and a uid without a passwd entry, as in a container, has neither.
    process.env.HOME ??= homeOf(process.env)
    process.env.SHELL ??= '/bin/sh'
  }
  const {runCommand} = await import('./command-line.ts')
  await runCommand(args)
}

/** As oclif prints it. */
async function printVersion(): Promise<void> {
  const {ownVersion} = await import('../cli/version.ts')
  print(1, `pgroute66/${ownVersion()} ${process.platform}-${process.arch} node-${process.version}`)
}

/** The working directory; "/" when it has been deleted, because it has no name then. */
function directory(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}
