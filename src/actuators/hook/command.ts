import type {HookSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import {onAbort} from '../../core/wait.ts'
import {type Deliver, type Delivery, delivered, failed, inSeconds} from './delivery.ts'
import {hookDocument, hookVariables} from './event.ts'
import {type ProcessGroup, startGroup} from './process-group.ts'
import {StderrTail} from './stderr-tail.ts'

/**
 * From SIGTERM to SIGKILL, and from SIGKILL until the daemon stops waiting for a process that even
 * SIGKILL does not end (a disk that is gone).
 */
const graceMs = 1_000
/** More than this on stderr is a flood, which would keep the daemon from its other work. */
const floodBytes = 1 << 20

export type CommandSettings = Extract<HookSettings, {kind: 'run'}>
export type CommandDeps = Readonly<{clock: Clock; env: Readonly<Record<string, string | undefined>>}>

/**
 * A command receives an event as JSON on stdin and as variables; exit code 0 means delivered. The
 * try ends when the command and every process that holds its stderr have ended. At the time limit
 * the daemon ends the whole process group; after a good end it ends the rest of the group. A process
 * that shall survive leaves the group with `setsid` and closes stderr.
 */
export const commandDelivery =
  ({argv, timeoutMs}: CommandSettings, {clock, env}: CommandDeps): Deliver =>
  (event, signal) => {
    let group: ProcessGroup
    try {
      group = startGroup(argv, {...inherited(env), ...hookVariables(event)})
    } catch (error) {
      return Promise.resolve(unstartable(error as NodeJS.ErrnoException))
    }
    const {stdin} = group.child
    // A command need not read its stdin: EPIPE is no failure, the exit code decides.
    stdin?.on('error', () => {})
    stdin?.end(hookDocument(event))
    return outcome(group, {clock, timeoutMs, signal})
  }

/** No other variable of the daemon's environment: PGPASSWORD may be among them. */
const inherited = (env: CommandDeps['env']): Record<string, string> =>
  Object.fromEntries(['PATH', 'HOME', 'LANG'].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))

type Watch = Readonly<{clock: Clock; timeoutMs: number; signal: AbortSignal}>

function outcome(group: ProcessGroup, {clock, timeoutMs, signal}: Watch): Promise<Delivery> {
  const {child} = group
  const stderr = new StderrTail()
  const {promise, resolve} = Promise.withResolvers<Delivery>()
  let cut: string | null = null
  let hasExited = false
  /** The command itself ended in time; a process that it started did not. */
  let isInTime = false
  let cancel = () => {}

  const settle = (delivery: Delivery) => {
    cancel()
    signal.removeEventListener('abort', late)
    // A process that has left the group may hold stderr open for ever.
    child.stderr?.destroy()
    resolve(delivery)
  }
  const kill = () => {
    cancel()
    group.signal('SIGKILL')
    child.stderr?.destroy()
    cancel = clock.after(graceMs, () =>
      settle(failed(`${cut}, and SIGKILL does not end it: look at process ${child.pid}`, {isFinal: true})),
    )
  }
  const end = (why: string) => {
    if (cut !== null) return
    cut = why
    isInTime = hasExited
    // After the exit the process id stays reserved only while the group has members: no signal is
    // sent later than now.
    if (hasExited) return kill()
    group.signal('SIGTERM')
    cancel = clock.after(graceMs, kill)
  }
  const late = () =>
    end(`did not end within ${inSeconds(timeoutMs)} and was stopped: find out why it hangs, or raise its timeout`)

  child.stderr?.on('error', () => {})
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr.add(chunk)
    if (stderr.received <= floodBytes || cut !== null) return
    child.stderr?.destroy()
    end('wrote more than 1 MiB to stderr and was stopped: let it write less, or to a file')
  })
  child.on('error', (error) => settle(unstartable(error)))
  child.on('exit', () => {
    hasExited = true
    if (cut !== null) kill()
  })
  child.on('close', (code, by) => {
    group.signal('SIGKILL')
    settle(judge({code, by, cut, isInTime, stderr: stderr}))
  })
  onAbort(signal, late)
  return promise
}

type End = Readonly<{
  code: number | null
  by: NodeJS.Signals | null
  cut: string | null
  isInTime: boolean
  stderr: StderrTail
}>

function judge({code, by, cut, isInTime, stderr}: End): Delivery {
  // The command has done its work: a second page because of a process left behind would be worse.
  if (code === 0 && isInTime) return {kind: 'delivered', problem: `has exited, but a process that it started ${cut}`}
  if (code === 0 && cut === null) return delivered
  const ended = by === null ? `ended with exit code ${code}` : `was ended by ${by}`
  const {lines} = stderr
  const hint = lines.length > 0 ? 'the log shows the end of its stderr' : 'it wrote nothing to stderr'
  return failed(cut ?? `${ended}: ${hint}`, {details: lines.length > 0 ? {stderr: lines.join(' | ')} : {}})
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist, or the interpreter in its first line does not: correct "run", or install it',
  EACCES: 'may not be executed: chmod +x, and let the user of pgroute66 reach its folder',
  ENOEXEC: 'is no program: begin a script with #!/bin/sh or another interpreter',
  E2BIG: 'has too many or too long arguments: shorten "run"',
}
/** `spawn`'s message would repeat the arguments, which may hold a secret. */
const unstartable = ({code = 'error'}: NodeJS.ErrnoException): Delivery =>
  failed(reasons[code] ?? `cannot be started (${code}): check the limits of processes and files of the service`)
