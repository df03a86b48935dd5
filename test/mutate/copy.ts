import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'
import type {Mutation} from './mutation.ts'

/** Every test of the core and the monitor, but for those that read sources instead of running them. */
const folders = ['test/core', 'test/monitor', 'test/scenarios', 'test/stories'] as const
/** And those of rules that a source has: tables of values. */
const tables = [
  'test/sources/patroni-rules.test.ts',
  'test/sources/patroni-members.test.ts',
  'test/actuators/guard-plan.test.ts',
  'test/actuators/guard-block.test.ts',
  'test/node/guard-passes.test.ts',
]
const isAboutText = /\/(style|imports|error-codes)\.test\.ts$/
/** They take a minute: they run where no other test has noticed the change. */
const slow = ['test/scenarios/small-worlds.test.ts', 'test/scenarios/histories.test.ts']
/** A mutated loop may spin without end, which is noticed too. */
const limitMs = {quick: 600_000, slow: 1_800_000} as const
export const paces = ['quick', 'slow'] as const
export type Pace = (typeof paces)[number]

/** A copy of the tree in a temporary folder, in which rules are broken and tests run. */
export class Copy implements Disposable {
  readonly folder = mkdtempSync(join(realpathSync(tmpdir()), 'pgroute66-mutate-'))
  readonly #vitest: string
  #child: ChildProcess | null = null

  constructor(root: string) {
    this.#vitest = join(root, 'node_modules/vitest/vitest.mjs')
    for (const part of ['src', 'test', 'package.json', 'tsconfig.json'])
      cpSync(join(root, part), join(this.folder, part), {
        recursive: true,
        filter: (from) => !from.includes('/node_modules'),
      })
    symlinkSync(realpathSync(join(root, 'node_modules')), join(this.folder, 'node_modules'))
  }

  /** Breaks the rule, until the result is disposed of. */
  apply(mutation: Mutation): Disposable {
    const path = join(this.folder, 'src', mutation.file)
    const before = readFileSync(path, 'utf8')
    writeFileSync(path, mutated(mutation, this.folder))
    return {[Symbol.dispose]: () => writeFileSync(path, before)}
  }

  /** Which of these tests fails first; `null`: none. */
  async test(pace: Pace): Promise<string | null> {
    const files = folders.flatMap((folder) => globSync(`${folder}/*.test.ts`, {cwd: this.folder}))
    const quick = [...tables, ...files.filter((file) => !isAboutText.test(file) && !slow.includes(file))]
    return await this.#run(pace === 'quick' ? quick : slow, limitMs[pace])
  }

  async #run(files: readonly string[], timeout: number): Promise<string | null> {
    const result = join(this.folder, 'result')
    rmSync(result, {force: true})
    const child = spawn(process.execPath, [this.#vitest, 'run', '--config', 'test/mutate/vitest.config.ts'], {
      cwd: this.folder,
      env: {...process.env, MUTATE_TESTS: files.join(' '), MUTATE_RESULT: result},
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
    })
    this.#child = child
    const [[code], ...printed] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
    if (code === 0) return null
    if (code === null) return `a test that does not end within ${timeout / 60_000} minutes`
    const [first = ''] = existsSync(result) ? readFileSync(result, 'utf8').split('\n') : []
    if (first === '') throw new Error(`vitest ended with ${code} and named no test:\n${printed.join('')}`)
    return first
  }

  [Symbol.dispose](): void {
    this.#child?.kill()
    rmSync(this.folder, {recursive: true, force: true, maxRetries: 5})
  }
}

/**
 * The file of the mutation, below `root`, with the rule broken. White space counts as white space,
 * since the formatter moves it. Throws where the text is not there once.
 */
export function mutated({name, file, text, instead}: Mutation, root: string): string {
  const pattern = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+')
  const parts = readFileSync(join(root, 'src', file), 'utf8').split(new RegExp(pattern))
  if (parts.length !== 2)
    throw new Error(`${name}: src/${file} has this text ${parts.length - 1} times, not once: ${text}`)
  return parts.join(instead)
}
