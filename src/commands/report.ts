import {Command, Flags} from '@oclif/core'
import {pokeFlags} from '../app/control/flags.ts'
import {report} from '../app/look/report.ts'

export default class Report extends Command {
  static override summary = 'Tell what happened since: availability, switches, and the time of each situation.'
  static override description = [
    'By the log of changes of the running daemon: the last 1,000 changes, with state_dir also of earlier runs. ',
    'Where the log begins later than asked, the report begins there.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %> --since 30d']
  static override flags = {
    ...pokeFlags,
    since: Flags.string({description: 'how far back: 30d, 12h', default: '30d', helpValue: 'DURATION'}),
    group: Flags.string({description: 'only this group'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(Report)
    await report(flags)
  }
}
