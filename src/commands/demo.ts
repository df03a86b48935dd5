import {Command, Flags} from '@oclif/core'
import {demo} from '../demo/run.ts'
import {exitNow} from '../system/exit.ts'

export default class Demo extends Command {
  static override summary = 'A real three-node cluster to try it on: watch it, break it, mend it.'
  static override description =
    `Starts PostgreSQL from binaries that come by npm, and the live table over it. Keys kill, hang, promote and rebuild the selected host.

Without a terminal, or with --tour, it plays a story by itself: crash, promotion, split brain, healing. Nothing is left behind.`
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --tour']
  static override flags = {
    tour: Flags.boolean({description: 'play the story and leave'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(Demo)
    const {stdout, stdin} = process
    const stop = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort())
    const tour = flags.tour || !stdout.isTTY || !stdin.isTTY
    await demo({tour, tell: (line) => void stdout.write(`${line}\n`), signal: stop.signal})
    exitNow(stop.signal.aborted && tour ? 130 : 0)
  }
}
