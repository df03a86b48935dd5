import {type ChildProcess, spawn} from 'node:child_process'

/** A command and every process that it starts, except one that leaves with `setsid`. */
export type ProcessGroup = Readonly<{child: ChildProcess; signal(name: NodeJS.Signals): void}>

/**
 * Starts a command without a shell, as leader of a process group of its own. Throws what `spawn`
 * throws; later errors arrive as `error` of the child. Stdout goes to /dev/null, where a flood costs
 * the daemon nothing.
 */
export function startGroup(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): ProcessGroup {
  const child = spawn(file, args, {detached: true, shell: false, stdio: ['pipe', 'ignore', 'pipe'], env})
  return {
    child,
    signal(name) {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, name)
      } catch {
        // The group has ended, or belongs to another user by now.
      }
    },
  }
}
