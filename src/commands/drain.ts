import {Command} from '@oclif/core'
import {giveOrder, hostArg, orderFlags} from '../app/control/flags.ts'

export default class Drain extends Command {
  static override summary = 'Take a host out of rotation.'
  static override description = [
    'The host keeps its role. Until "resume", checks, the API and routers no longer offer it. With ',
    'state_dir, a drain survives a restart of the daemon. While the primary is drained, writes stop.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %> host2 --reason "new disks"']
  static override args = {host: hostArg('the host to take out')}
  static override flags = orderFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Drain)
    await giveOrder(`/v1/hosts/${encodeURIComponent(args.host)}/drain`, {}, flags, 'drained')
  }
}
