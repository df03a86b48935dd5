import {Command} from '@oclif/core'
import {giveOrder, orderFlags} from '../../app/control/flags.ts'

export default class InstancesAdopt extends Command {
  static override summary = 'Make the configuration of this instance the one of the set.'
  static override description = [
    'Instances with another configuration give their groups to the instances that have this one. Without ',
    'it, groups stay with the earlier configuration until its last instance is gone.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %> --reason "three hosts more"']
  static override flags = orderFlags

  async run(): Promise<void> {
    const {flags} = await this.parse(InstancesAdopt)
    await giveOrder('/v1/instances/adopt', {}, flags, 'adopted')
  }
}
