import {Command} from '@oclif/core'
import {giveOrder, hostArg, pokeFlags} from '../app/control/flags.ts'

export default class Poke extends Command {
  static override summary = 'Make the daemon probe a host now.'
  static override description = [
    'For callbacks of HA tools: it ends when the probe is done, and prints what the host is. The exit ',
    'code is 0 whatever that is. The daemon sees most promotions within milliseconds without it.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %> host2']
  static override args = {host: hostArg('the host to probe')}
  static override flags = pokeFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Poke)
    await giveOrder(`/v1/hosts/${encodeURIComponent(args.host)}/probe`, {}, flags, 'probed')
  }
}
