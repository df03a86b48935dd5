import {type ChildProcess, spawn} from 'node:child_process'

/** A command with everything that it starts, unless that leaves with `setsid`. */
export type ProcessGroup = Readonly<{child: ChildProcess; signal(name: NodeJS.Signals): void}>

/**
 * Starts a command without a shell, as leader of a process group of its own. Throws what `spawn`
 * throws; what it tells later comes as `error` of the child. What it prints to stdout goes to
 * /dev/null: a flood there costs us nothing.
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
        // Gone already, or no longer ours to signal.
      }
    },
  }
}
