import {Command} from '@oclif/core'
import {giveOrder, hostArg, orderFlags} from '../app/control/flags.ts'

export default class Accept extends Command {
  static override summary = "The operator's word: this host is the primary, and its cluster is the cluster."
  static override description =
    `Ends a split brain whose other side only fell silent, a doubt because of an old timeline, and a tie of clusters. It cannot make two live primaries one. Who said it, and why, goes to the daemon's log.`
  static override examples = ['<%= config.bin %> <%= command.id %> host2 --reason "host1 burnt down"']
  static override args = {host: hostArg('the host that is the primary')}
  static override flags = orderFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Accept)
    await giveOrder(`/v1/hosts/${encodeURIComponent(args.host)}/accept`, {}, flags, 'accepted')
  }
}
