import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {mkdtempSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {until} from '../../src/demo/wait-until.ts'

/**
 * Mounts in a namespace of their own, which end with the container. `$0` must not lie in `/tmp` of
 * the container: systemd-nspawn mounts an empty `/tmp`.
 */
const mounts = `
mount -t tmpfs tmpfs "$0"
mkdir "$0/upper" "$0/work" "$0/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/root"
`
const script = `${mounts}
exec systemd-nspawn -q -D "$0/root" --boot --register=no --keep-unit --private-users=no \\
  -M pgroute66-test -- --unit=sysinit.target
`
const env = {PATH: '/usr/sbin:/usr/bin:/sbin:/bin'}

const folder = () => mkdtempSync(join(tmpdir(), 'pgroute66-booted-'))

/**
 * Only root may mount, and not in every container. Prints a line if these tests are skipped for
 * it.
 */
export function mayBoot(): boolean {
  if (process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'sh', '-ec', mounts, folder()], {env}).status === 0)
    return true
  process.stderr.write('SKIPPED: the tests of the package under systemd, because this user may not mount here\n')
  return false
}

export type Said = Readonly<{code: number; text: string}>

/**
 * A container with a systemd of its own on a copy-on-write view of this machine: the same files,
 * network and users. The container's changes end with it. Needs root.
 */
export class BootedHost implements AsyncDisposable {
  readonly #container: ChildProcess
  readonly #pid: number

  private constructor(container: ChildProcess, pid: number) {
    this.#container = container
    this.#pid = pid
  }

  static async boot(): Promise<BootedHost> {
    const container = spawn('unshare', ['--mount', 'sh', '-ec', script, folder()], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env,
    })
    let said = ''
    container.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    let host: BootedHost | null = null
    await until(() => {
      if (container.exitCode !== null) throw new Error(`systemd-nspawn ended with ${container.exitCode}: ${said}`)
      const pid = firstChildOf(container.pid ?? 0)
      host = pid === null ? null : new BootedHost(container, pid)
      return host !== null && /running|degraded/.test(host.run('systemctl', 'is-system-running').text)
    })
    return host as unknown as BootedHost
  }

  /** `text`: what the program wrote to stdout and stderr. */
  run(program: string, ...args: readonly string[]): Said {
    return this.#enter([program, ...args])
  }

  write(path: string, content: string | Buffer): void {
    this.#enter(['sh', '-c', 'mkdir -p "$(dirname "$0")" && cat > "$0"', path], content)
  }

  #enter(command: readonly string[], input: string | Buffer = ''): Said {
    const spaces = ['-m', '-u', '-i', '-p', '-C', '-r', '-w']
    const shell = ['sh', '-c', '"$0" "$@" 2>&1', ...command]
    try {
      const text = execFileSync('nsenter', ['-t', String(this.#pid), ...spaces, ...shell], {
        env,
        input,
        encoding: 'utf8',
      })
      return {code: 0, text}
    } catch (error) {
      const {status, stdout} = error as {status: number; stdout: string}
      return {code: status, text: stdout}
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#container.exitCode !== null) return
    const gone = once(this.#container, 'exit')
    process.kill(this.#pid, 'SIGKILL')
    await gone
  }
}

/** The pid of systemd: systemd-nspawn starts no other process. */
function firstChildOf(pid: number): number | null {
  try {
    return Number(execFileSync('pgrep', ['-P', String(pid), '-x', 'systemd'], {encoding: 'utf8'}).trim()) || null
  } catch {
    return null
  }
}
