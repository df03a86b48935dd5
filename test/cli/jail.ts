import {execFileSync, spawn} from 'node:child_process'
import {chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {type Ran, type Started, watched} from '../support/run.ts'

/** The program of `npm run build:exe`. */
export const builder = fileURLToPath(new URL('../../packaging/exe/build.ts', import.meta.url))
const nobody = 65_534
const isRoot = process.getuid?.() === 0

export type JailRun = Readonly<{env?: Readonly<Record<string, string>>; name?: string; limitMs?: number}>

/**
 * A host with the executable, its libraries and nothing else: no Node.js, no shell, no repository,
 * no /proc, no accounts. Commands run as nobody, with an empty environment, in a folder that they
 * cannot write to. Only root can lock itself in; for others it is an ordinary folder.
 */
export class Jail {
  readonly root = mkdtempSync(join(tmpdir(), 'pgroute66-jail-'))
  readonly executable = join(this.root, 'usr/bin/pgroute66')

  constructor() {
    execFileSync(process.execPath, [builder, this.executable], {stdio: ['ignore', 'ignore', 'inherit']})
    execFileSync('chmod', ['755', this.root])
    for (const role of ['primary', 'standby'])
      symlinkSync('pgroute66', join(this.root, 'usr/bin', `pgroute66-check-${role}`))
    for (const [library] of execFileSync('ldd', [this.executable], {encoding: 'utf8'}).matchAll(/\/\S+/g)) {
      mkdirSync(join(this.root, dirname(library)), {recursive: true})
      copyFileSync(library, join(this.root, library))
    }
    const run = join(this.root, 'run/pgroute66')
    mkdirSync(run, {recursive: true})
    if (isRoot) chownSync(run, nobody, nobody)
  }

  /** A path as commands inside see it. */
  inside(path: string): string {
    return isRoot ? path : join(this.root, path)
  }

  write(path: string, text: string): void {
    mkdirSync(join(this.root, dirname(path)), {recursive: true})
    writeFileSync(join(this.root, path), text)
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path))
  }

  /** The words that start it from outside. */
  command(args: readonly string[], name = 'pgroute66'): readonly string[] {
    const program = this.inside(`/usr/bin/${name}`)
    return isRoot
      ? ['/usr/sbin/chroot', `--userspec=${nobody}:${nobody}`, this.root, program, ...args]
      : [program, ...args]
  }

  run(args: readonly string[], options: JailRun = {}): Promise<Ran> {
    return this.start(args, options).ended
  }

  start(args: readonly string[], {env = {}, name, limitMs = 120_000}: JailRun = {}): Started {
    const [program = '', ...words] = this.command(args, name)
    return watched(
      spawn(program, words, {env: {PATH: '', ...env}, cwd: this.root, stdio: ['ignore', 'pipe', 'pipe']}),
      limitMs,
    )
  }
}
