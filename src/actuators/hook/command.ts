import type {HookSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import {onAbort} from '../../core/wait.ts'
import {type Deliver, type Delivery, delivered, failed, inSeconds} from './delivery.ts'
import {hookDocument, hookVariables} from './event.ts'
import {type ProcessGroup, startGroup} from './process-group.ts'
import {StderrTail} from './stderr-tail.ts'

/**
 * From SIGTERM to SIGKILL, and from SIGKILL until we stop waiting for a process that not even that
 * ends (a disk that is gone).
 */
const graceMs = 1_000
/** More than this on stderr is a flood, which would keep us from everything else. */
const floodBytes = 1 << 20

export type CommandSettings = Extract<HookSettings, {kind: 'run'}>
export type CommandDeps = Readonly<{clock: Clock; env: Readonly<Record<string, string | undefined>>}>

/**
 * A command hears of an event by JSON on stdin and by variables; exit code 0 means told. It is over
 * when it and everything that holds its stderr have ended; at the time limit all of its process
 * group is ended, and what is left of the group after a good end is too. What is to outlive it
 * leaves with `setsid` and closes stderr.
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
    // One that does not read its stdin is in order: EPIPE is not ours to judge, its exit code is.
    stdin?.on('error', () => {})
    stdin?.end(hookDocument(event))
    return outcome(group, {clock, timeoutMs, signal})
  }

/** Nothing else of our environment: it holds what libpq takes for passwords. */
const inherited = (env: CommandDeps['env']): Record<string, string> =>
  Object.fromEntries(['PATH', 'HOME', 'LANG'].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))

type Watch = Readonly<{clock: Clock; timeoutMs: number; signal: AbortSignal}>

function outcome(group: ProcessGroup, {clock, timeoutMs, signal}: Watch): Promise<Delivery> {
  const {child} = group
  const stderr = new StderrTail()
  const {promise, resolve} = Promise.withResolvers<Delivery>()
  let cut: string | null = null
  let hasExited = false
  /** The command itself was over in time; only what it started was not. */
  let isInTime = false
  let cancel = () => {}

  const settle = (delivery: Delivery) => {
    cancel()
    signal.removeEventListener('abort', late)
    // Somebody who left the group may still hold it; so would we, for ever.
    child.stderr?.destroy()
    resolve(delivery)
  }
  const kill = () => {
    cancel()
    group.signal('SIGKILL')
    child.stderr?.destroy()
    cancel = clock.after(graceMs, () =>
      settle(failed(`${cut}, and cannot be killed: look at process ${child.pid}`, {isFinal: true})),
    )
  }
  const end = (why: string) => {
    if (cut !== null) return
    cut = why
    isInTime = hasExited
    // Once it has exited, its number stays taken only as long as the group has members: no signal
    // is sent later than now.
    if (hasExited) return kill()
    group.signal('SIGTERM')
    cancel = clock.after(graceMs, kill)
  }
  const late = () =>
    end(`did not end within ${inSeconds(timeoutMs)} and was ended: see why it hangs, or raise the timeout of the hook`)

  child.stderr?.on('error', () => {})
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr.add(chunk)
    if (stderr.received <= floodBytes || cut !== null) return
    child.stderr?.destroy()
    end('wrote more than 1 MiB to stderr and was ended: let it write less, or into a file')
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
  // Told is told: a second page because something was left running would be worse.
  if (code === 0 && isInTime) return {kind: 'delivered', problem: `has exited, but what it started ${cut}`}
  if (code === 0 && cut === null) return delivered
  const ended = by === null ? `ended with exit code ${code}` : `was ended by ${by}`
  const {lines} = stderr
  const hint = lines.length > 0 ? 'its last words are in the log' : 'it said nothing on stderr'
  return failed(cut ?? `${ended}: ${hint}`, {details: lines.length > 0 ? {stderr: lines.join(' | ')} : {}})
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'is not there, or the interpreter in its first line is not: correct "run", or install it',
  EACCES: 'may not be executed by us: chmod +x, and let our user reach its folder',
  ENOEXEC: 'is no program: a script begins with #!/bin/sh or the like',
  E2BIG: 'has too many or too long arguments: shorten "run"',
}
/** `spawn`'s message would repeat the arguments, which may hold a secret. */
const unstartable = ({code = 'error'}: NodeJS.ErrnoException): Delivery =>
  failed(reasons[code] ?? `cannot be started (${code}): see the limits of processes and files of our unit`)
