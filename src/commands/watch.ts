import {Command, Flags} from '@oclif/core'
import {daemonToWatch} from '../app/check/own-daemon.ts'
import {caFlag, configFlag, controlSocketFlag, tokenFileFlag} from '../app/cli/flags.ts'
import {intervalOf} from '../app/cli/interval.ts'
import {plainText} from '../app/cli/print.ts'
import {controlChannel} from '../app/control/channel.ts'
import {orderActions} from '../app/control/order-actions.ts'
import {openSource} from '../app/serve/snapshot-source.ts'
import {systemClock} from '../system/clock.ts'
import {showAs} from '../system/title.ts'
import {watch} from '../ui/watch.ts'

export default class Watch extends Command {
  static override summary = 'Show a live table of the hosts, with the verdict above it.'
  static override description = [
    'Shows what the running daemon of the configuration knows. Where none answers, and for a DSN, watch asks the ',
    'hosts itself. Without a terminal it prints one line per change. "?" explains the keys.',
  ].join('')
  static override usage = 'watch [DSN...] [-c FILE | --url URL] [--direct] [--group NAME] [--once] [--json]'
  static override strict = false
  static override flags = {
    config: configFlag,
    url: Flags.string({
      description: 'a running daemon: http(s)://HOST:PORT, or the path of its unix socket',
      ...{helpValue: 'URL', exclusive: ['config']},
    }),
    direct: Flags.boolean({description: 'ask the hosts, not a running daemon', exclusive: ['url']}),
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
    const [everyMs, cwd, dsns] = [intervalOf(flags.interval), process.cwd(), argv as string[]]
    const stop = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort())

    const found = await daemonToWatch({...flags, dsns, env, cwd})
    await using source = await openSource({...flags, daemon: found?.daemon, dsns, env})
    const channel = () => controlChannel({...flags, socket: flags['control-socket'], env, cwd})
    await watch(source, {
      ...flags,
      clock: systemClock,
      env,
      stdout,
      plain: plainText,
      signal: stop.signal,
      everyMs,
      title: found?.title,
      actions: orderActions(source, channel, env),
    })
  }
}
