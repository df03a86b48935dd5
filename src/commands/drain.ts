import {Command} from '@oclif/core'
import {giveOrder, hostArg, orderFlags} from '../app/control/flags.ts'

export default class Drain extends Command {
  static override summary = 'Take a host out of rotation.'
  static override description =
    'Its role stays what it is; no check, no API and no router offers it any more, until "resume". Kept over a restart of the daemon in state_dir. Draining the primary means that nothing is written to.'
  static override examples = ['<%= config.bin %> <%= command.id %> host2 --reason "new disks"']
  static override args = {host: hostArg('the host to take out')}
  static override flags = orderFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Drain)
    await giveOrder(`/v1/hosts/${encodeURIComponent(args.host)}/drain`, {}, flags, 'drained')
  }
}
