import {Command, Flags} from '@oclif/core'
import {demo} from '../demo/run.ts'
import {exitNow} from '../system/exit.ts'

export default class Demo extends Command {
  static override summary = 'Start a real cluster of three hosts to try pgroute66: watch it, break it, fix it.'
  static override description = [
    'Starts PostgreSQL from binaries of an npm package, and shows the live table of its hosts. Keys kill, ',
    'hang, promote and rebuild the selected host.\n\n',
    'Without a terminal, or with --tour, the demo plays a story by itself: crash, promotion, split brain, ',
    'repair. It removes everything when it ends.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --tour']
  static override flags = {
    tour: Flags.boolean({description: 'play the story and exit'}),
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
