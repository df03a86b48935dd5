import {Command, Flags} from '@oclif/core'
import {orderFlags} from '../app/control/flags.ts'
import {reload} from '../app/control/reload.ts'

export default class Reload extends Command {
  static override summary = 'Show what a reload of the configuration would change, then make the daemon reload.'
  static override description = [
    'The daemon itself reads its file and tries it, as config check does: it shows each key that changes, and ',
    'which hosts, routers and clients lose their connection. A faulty file changes nothing (exit code 2). Asks ',
    'before the reload; where the file changes meanwhile, nothing is done. SIGHUP reloads without a question.',
  ].join('')
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run --json',
  ]
  static override flags = {
    ...orderFlags,
    'dry-run': Flags.boolean({description: 'show the plan and do nothing', exclusive: ['yes']}),
    yes: Flags.boolean({char: 'y', description: 'do not ask'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(Reload)
    await reload(flags)
  }
}
