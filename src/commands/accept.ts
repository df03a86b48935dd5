import {Command} from '@oclif/core'
import {giveOrder, hostArg, orderFlags} from '../app/control/flags.ts'

export default class Accept extends Command {
  static override summary = 'Declare that this host is the primary, and that its cluster is the right one.'
  static override description = [
    'Ends a split brain whose other side is silent, a doubt about an old timeline, and a tie between ',
    'clusters. It does not end a split brain with two live primaries. The daemon logs who gave the order, ',
    'and why.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %> host2 --reason "host1 burnt down"']
  static override args = {host: hostArg('the host that is the primary')}
  static override flags = orderFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Accept)
    await giveOrder(`/v1/hosts/${encodeURIComponent(args.host)}/accept`, {}, flags, 'accepted')
  }
}
