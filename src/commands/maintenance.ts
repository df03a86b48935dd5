import {Args, Command, Flags} from '@oclif/core'
import {giveOrder, orderFlags} from '../app/control/flags.ts'

export default class Maintenance extends Command {
  static override summary = 'Freeze every actuator, or let them go on.'
  static override description =
    'HAProxy, PgBouncer and hooks are told nothing while it is on, whatever happens to the hosts; checks and the API go on telling what is. Kept over a restart of the daemon in state_dir.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> on --for 2h --reason "moving racks"',
    '<%= config.bin %> <%= command.id %> off',
  ]
  static override args = {state: Args.string({required: true, options: ['on', 'off'], description: 'on or off'})}
  static override flags = {
    ...orderFlags,
    for: Flags.string({description: 'ends by itself after so long: 30min, 2h', helpValue: 'DURATION'}),
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Maintenance)
    const body = {on: args.state === 'on', ...(flags.for !== undefined && {for: flags.for})}
    await giveOrder('/v1/maintenance', body, flags, `maintenance ${args.state}`)
  }
}
