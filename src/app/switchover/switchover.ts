import type {Config} from '../../config/config.ts'
import {loadConfig} from '../../config/load.ts'
import {parseDuration} from '../../core/duration.ts'
import {OperatorError} from '../../core/errors.ts'
import {parseSize} from '../../core/size.ts'
import {systemClock} from '../../system/clock.ts'
import {confirm} from '../cli/confirm.ts'
import {print} from '../cli/print.ts'
import {controlChannel, whoAsks} from '../control/channel.ts'
import {HoldingDaemon, snapshotOf} from './daemon.ts'
import {longTransactions} from './long-transactions.ts'
import {type Planned, planSwitch} from './preflight.ts'
import {exitOf, resultJson, resultText} from './present.ts'
import {rescue} from './rescue.ts'
import {runSwitch} from './run.ts'
import type {Tool} from './tool.ts'
import {type ToolFlags, toolFor} from './tools.ts'

export type SwitchoverFlags = ToolFlags &
  Readonly<
    Partial<Record<'group' | 'reason' | 'url' | 'token-file' | 'ca' | 'control-socket', string | undefined>> & {
      deadline: string
      drain: string
      'max-lag': string
      'cut-open': boolean
      'dry-run': boolean
      yes: boolean
      json: boolean
    }
  >
/** `more`: words before the `--` that mean nothing. */
type Words = Readonly<{host: string | null; more: readonly unknown[]; argv: readonly string[]}>

/** `pgroute66 switchover`; the exit code. Throws OperatorError where nothing was begun. */
export async function switchover({host, more, argv}: Words, flags: SwitchoverFlags): Promise<number> {
  if (more.length > 0) throw new OperatorError('USAGE', `"${more[0]}" is too much`, 'Write the command after "--".')
  const {env} = process
  const cwd = process.cwd()
  const limits = limitsOf(flags)
  const config = await loaded(flags)
  const channel = await controlChannel({...flags, socket: flags['control-socket'], env, cwd})
  const snapshot = await snapshotOf(channel)
  const maxLagBytes = flagOf('max-lag', flags['max-lag'], parseSize)
  const planned = planSwitch(snapshot, {host, group: flags.group ?? null, maxLagBytes})
  const tool = await toolFor(flags, planned.move, {config, snapshot, argv, env})
  const notes = await notesOf(planned, config, flags)
  const plan = planText(planned, tool, [...planned.warnings, ...notes])
  if (flags['dry-run']) {
    print(1, flags.json ? JSON.stringify({exit: 0, ok: true, ...planned.move, about: tool.about, notes}) : plan)
    return 0
  }
  await confirm(`${plan}\nSwitch over now?`, flags.yes)
  const {move} = planned
  const id = crypto.randomUUID()
  const by = whoAsks(env)
  const daemon = new HoldingDaemon(channel, {...move, id, by, reason: flags.reason ?? null, limitMs: limits.deadlineMs})
  const switched = await runSwitch({
    daemon,
    tool,
    move,
    limits,
    clock: systemClock,
    interrupted: interruption(),
    rescue: () => rescue(config),
    say: (line) => print(2, line),
  })
  const exit = exitOf(switched, move)
  print(exit === 0 || flags.json ? 1 : 2, flags.json ? resultJson(switched, move) : resultText(switched, move))
  return exit
}

const limitsOf = (flags: SwitchoverFlags) => ({
  deadlineMs: flagOf('deadline', flags.deadline, parseDuration),
  drainMs: flagOf('drain', flags.drain, parseDuration),
  mayCut: flags['cut-open'],
})

function flagOf(name: string, text: string, parse: (text: string) => number): number {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    throw new OperatorError('USAGE', `--${name} "${text}" ${error.message}`, error.next, {cause: error})
  }
}

/** `null`: a remote daemon, and no configuration here. */
async function loaded({config: path, url}: SwitchoverFlags): Promise<Config | null> {
  try {
    return await loadConfig({path, env: process.env, cwd: process.cwd()})
  } catch (error) {
    if (url !== undefined && path === undefined && error instanceof OperatorError) return null
    throw error
  }
}

/** Throws OperatorError where transactions are open that the drain would not see end. */
async function notesOf({move}: Planned, config: Config | null, flags: SwitchoverFlags): Promise<readonly string[]> {
  if (config === null) return ['without the configuration long transactions are not seen']
  const {open, note} = await longTransactions(config, move.from, flagOf('drain', flags.drain, parseDuration))
  const notes = note === null ? [] : [note]
  if (open.length === 0) return notes
  const named = `transactions on ${move.from} are older than --drain ${flags.drain}:\n  ${open.join('\n  ')}`
  if (flags['cut-open']) return [...notes, named]
  throw new OperatorError('SWITCHOVER_REFUSED', named, 'End them first, or add --cut-open to let the switch cut them.')
}

const planText = ({move: {group, from, to}}: Planned, {about}: Tool, notes: readonly string[]): string =>
  [`${group}: from ${from} to ${to}, by ${about}`, ...notes.map((note) => `note: ${note}`)].join('\n')

/** The first Ctrl-C or SIGTERM puts everything back; a second one ends the command at once. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      print(2, 'interrupted: everything goes back; a second signal ends this command at once')
      controller.abort()
    })
  return controller.signal
}
