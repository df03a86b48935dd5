import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Config} from '../../src/config/config.ts'
import {loadConfig} from '../../src/config/load.ts'
import {ConfigError, type Problem} from '../../src/config/reading/problem.ts'
import {OperatorError} from '../../src/core/errors.ts'

/**
 * A directory of its own, which is home and working directory: nothing of the machine's own user is
 * read.
 */
export async function workplace() {
  const directory = await mkdtemp(join(tmpdir(), 'pgroute66-config-'))
  const env = {HOME: directory, PGUSER: 'tester'}
  const write = async (name: string, content: string | Uint8Array, mode = 0o600) => {
    const path = join(directory, name)
    await writeFile(path, content, {mode})
    return path
  }
  return {
    directory,
    env,
    write,
    load: async (yaml: string, more: Record<string, string> = {}): Promise<Config> =>
      loadConfig({path: await write('pgroute66.yml', yaml), env: {...env, ...more}, cwd: directory}),
    dsn: (dsns: string | readonly string[], more: Record<string, string> = {}): Promise<Config> =>
      loadConfig({dsns: typeof dsns === 'string' ? [dsns] : dsns, env: {...env, ...more}, cwd: directory}),
    [Symbol.asyncDispose]: () => rm(directory, {recursive: true, force: true}),
  }
}

/** What the operator is told; a bug rejects through. */
export async function complaint(loading: Promise<unknown>): Promise<OperatorError> {
  try {
    await loading
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
  throw new Error('it was accepted')
}

export async function problems(loading: Promise<unknown>): Promise<readonly Problem[]> {
  const error = await complaint(loading)
  if (error instanceof ConfigError) return error.problems
  throw error
}
