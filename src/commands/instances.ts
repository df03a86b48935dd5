import {Command} from '@oclif/core'
import {orderFlags} from '../app/control/flags.ts'
import {printInstances} from '../app/control/instances.ts'

const {reason: _, 'token-file': __, ...flags} = orderFlags

export default class Instances extends Command {
  static override summary = 'List the instances that share the groups, and who owns how many.'
  static override description = [
    'As one instance of the set sees it: by its control socket, or by --url. Warns where instances have ',
    'different configurations: those take no groups from each other.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %>']
  static override flags = flags

  async run(): Promise<void> {
    const {flags: given} = await this.parse(Instances)
    await printInstances(given)
  }
}
