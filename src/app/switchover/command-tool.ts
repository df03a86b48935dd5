import {spawn} from 'node:child_process'
import {onAbort} from '../../core/wait.ts'
import type {WireHost} from '../../protocol/snapshot-json.ts'
import type {Move, Tool, ToolEnd} from './tool.ts'

/** From SIGTERM to SIGKILL. */
const graceMs = 2_000

type Hosts = Readonly<Record<string, Pick<WireHost, 'address' | 'port'>>>

/**
 * A command that switches over, in a process group of its own. Its output goes to stderr. It gets
 * PGROUTE66_GROUP, PGROUTE66_FROM, PGROUTE66_TO and for both hosts `…_ADDRESS` and `…_PORT`.
 */
export const commandTool = (argv: readonly string[], hosts: Hosts, env: NodeJS.ProcessEnv): Tool => ({
  about: `the command ${argv.join(' ')}`,
  run: (move, signal) => outcome(argv, {...env, ...variablesOf(move, hosts)}, signal),
})

export function variablesOf({group, from, to}: Move, hosts: Hosts): Readonly<Record<string, string>> {
  const at = (word: string, host: string | null): Record<string, string> => {
    const place = host === null ? undefined : hosts[host]
    return {
      [`PGROUTE66_${word}`]: host ?? '',
      [`PGROUTE66_${word}_ADDRESS`]: place?.address ?? '',
      [`PGROUTE66_${word}_PORT`]: place === undefined ? '' : String(place.port),
    }
  }
  return {PGROUTE66_GROUP: group, ...at('FROM', from), ...at('TO', to)}
}

function outcome(argv: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<ToolEnd> {
  const [program = '', ...args] = argv
  const {promise, resolve} = Promise.withResolvers<ToolEnd>()
  // stdout of this command is for its own answer.
  const child = spawn(program, args, {env, detached: true, stdio: ['ignore', 2, 2]})
  const kill = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name)
    } catch {
      // The group has ended.
    }
  }
  let isStopped = false
  const forget = onAbort(signal, () => {
    isStopped = true
    kill('SIGTERM')
    setTimeout(() => kill('SIGKILL'), graceMs).unref()
  })
  child.once('error', (error: NodeJS.ErrnoException) => {
    forget()
    resolve({kind: 'failed', text: `${program} cannot be started (${error.code ?? error.message})`})
  })
  child.once('exit', (code, by) => {
    forget()
    if (isStopped) {
      kill('SIGKILL')
      return resolve({kind: 'unknown', text: `${program} was stopped`})
    }
    const text = by === null ? `${program} ended with exit code ${code}` : `${program} was ended by ${by}`
    resolve({kind: code === 0 ? 'done' : 'failed', text})
  })
  return promise
}
