import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {access, constants, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {OperatorError} from '../../core/errors.ts'

/** What the operator wrote. The file stays until `remove`: an error may name it. */
export type Draft = Readonly<{text: string; path: string; remove(): Promise<void>}>

const keys = ['SIGINT', 'SIGQUIT'] as const
const otherWays = 'Add --print, --set KEY=VALUE, --apply FILE or --replace FILE.'

/**
 * Opens the operator's editor on `text`, and waits for its end. Throws OperatorError without a terminal,
 * without an editor, and where the editor fails.
 */
export async function edited(text: string): Promise<Draft> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new OperatorError('USAGE', 'this is not a terminal, so no editor is opened', otherWays)
  const editor = await editorOf(process.env)
  const path = join(await mkdtemp(join(tmpdir(), 'pgroute66-patroni-')), 'config.yml')
  const remove = () => rm(dirname(path), {recursive: true, force: true})
  await writeFile(path, text, {mode: 0o600})
  // As git does: EDITOR may have arguments. A signal that the shell traps, the editor gets as usual.
  const child = spawn('/bin/sh', ['-c', `trap : INT QUIT; ${editor} "$@"`, editor, path], {stdio: 'inherit'})
  const [code, signal] = await leavingKeysTo(() => once(child, 'exit') as Promise<[number | null, string | null]>)
  if (code === 0) return {text: await readFile(path, 'utf8'), path, remove}
  await remove()
  throw new OperatorError('USAGE', `the editor ${editor} ended with ${code ?? signal}: nothing was done`, otherWays)
}

/** The terminal sends Ctrl-C and Ctrl-\ to this process too: until `wait` ends, they are the editor's alone. */
async function leavingKeysTo<T>(wait: () => Promise<T>): Promise<T> {
  const ignore = () => {}
  for (const signal of keys) process.on(signal, ignore)
  try {
    return await wait()
  } finally {
    for (const signal of keys) process.off(signal, ignore)
  }
}

/** As patronictl: EDITOR, else editor or vi. */
async function editorOf({EDITOR, PATH = ''}: NodeJS.ProcessEnv): Promise<string> {
  if (EDITOR) return EDITOR
  for (const name of ['editor', 'vi'])
    for (const folder of PATH.split(':').filter(Boolean)) if (await canRun(join(folder, name))) return name
  const why = 'there is no editor: EDITOR is not set, and neither editor nor vi is in PATH'
  throw new OperatorError('USAGE', why, otherWays)
}

const canRun = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
