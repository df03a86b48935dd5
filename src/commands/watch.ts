import {Command, Flags} from '@oclif/core'
import {caFlag, configFlag, controlSocketFlag, tokenFileFlag} from '../app/cli/flags.ts'
import {intervalOf} from '../app/cli/interval.ts'
import {controlChannel} from '../app/control/channel.ts'
import {drainAction} from '../app/control/drain-action.ts'
import {openSource} from '../app/serve/snapshot-source.ts'
import {systemClock} from '../system/clock.ts'
import {showAs} from '../system/title.ts'
import {pastChangesOf} from '../ui/events/past-changes.ts'
import {printChanges, printOnce} from '../ui/events/print.ts'
import {showWatch} from '../ui/show.ts'
import {groupNamed} from '../ui/table/filter.ts'
import {glyphsFor} from '../ui/text/glyphs.ts'

export default class Watch extends Command {
  static override summary = 'Show a live table of the hosts, with the verdict above it.'
  static override description =
    `Without a terminal, watch prints one line per change. The bottom line shows the keys; "?" explains them.`
  static override usage = 'watch [DSN...] [-c FILE | --url URL] [--group NAME] [--once] [--json]'
  static override strict = false
  static override flags = {
    config: configFlag,
    url: Flags.string({
      description: 'a running daemon: http(s)://HOST:PORT, or the path of its unix socket',
      helpValue: 'URL',
      exclusive: ['config'],
    }),
    ca: caFlag,
    'token-file': tokenFileFlag,
    'control-socket': controlSocketFlag,
    group: Flags.string({char: 'g', description: 'only this group', helpValue: 'NAME'}),
    once: Flags.boolean({description: 'print the current state, and exit'}),
    json: Flags.boolean({description: 'print one JSON document per change; with --once, one'}),
    interval: Flags.string({description: 'time between two drawings of the screen', helpValue: '500ms', default: '1s'}),
  }

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(Watch)
    showAs('watch', flags.config)
    const {env, stdout} = process
    const everyMs = intervalOf(flags.interval)
    const stop = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort())

    await using source = await openSource({...flags, dsns: argv as string[], env})
    const group = groupNamed(flags.group, source.current())
    const write = (line: string) => void stdout.write(`${line}\n`)
    const printing = {source, clock: systemClock, write, json: flags.json, signal: stop.signal, group}
    if (flags.once) {
      // The first round takes one connect_timeout. After ten seconds watch prints what it has.
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)])
      // A pipe has no width: a program gets every column.
      return await printOnce({...printing, signal, width: stdout.columns ?? 10_000, glyphs: glyphsFor(env)})
    }
    if (flags.json || !stdout.isTTY || env.TERM === 'dumb') return await printChanges(printing)
    const channel = () => controlChannel({...flags, socket: flags['control-socket'], env, cwd: process.cwd()})
    const past = await pastChangesOf(source)
    await showWatch({
      source,
      clock: systemClock,
      signal: stop.signal,
      everyMs,
      group,
      pastChanges: past,
      actions: [drainAction(source, channel, env)],
    })
  }
}
