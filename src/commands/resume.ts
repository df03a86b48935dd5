import {Command} from '@oclif/core'
import {giveOrder, hostArg, orderFlags} from '../app/control/flags.ts'

export default class Resume extends Command {
  static override summary = 'Put a drained host back into rotation.'
  static override examples = ['<%= config.bin %> <%= command.id %> host2']
  static override args = {host: hostArg('the host to put back')}
  static override flags = orderFlags

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Resume)
    await giveOrder(`/v1/hosts/${encodeURIComponent(args.host)}/resume`, {}, flags, 'resumed')
  }
}
