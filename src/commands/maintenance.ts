import {Args, Command, Flags} from '@oclif/core'
import {giveOrder, orderFlags} from '../app/control/flags.ts'

export default class Maintenance extends Command {
  static override summary = 'Freeze every actuator, or let the actuators continue.'
  static override description = [
    'While maintenance is on, the daemon changes nothing in HAProxy and PgBouncer and runs no hook, ',
    'whatever happens to the hosts. Checks and the API still answer with the current state. With ',
    'state_dir, maintenance survives a restart of the daemon.',
  ].join('')
  static override examples = [
    '<%= config.bin %> <%= command.id %> on --for 2h --reason "moving racks"',
    '<%= config.bin %> <%= command.id %> off',
  ]
  static override args = {state: Args.string({required: true, options: ['on', 'off'], description: 'on or off'})}
  static override flags = {
    ...orderFlags,
    for: Flags.string({description: 'end maintenance after this time: 30min, 2h', helpValue: 'DURATION'}),
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Maintenance)
    const body = {on: args.state === 'on', ...(flags.for !== undefined && {for: flags.for})}
    await giveOrder('/v1/maintenance', body, flags, `maintenance ${args.state}`)
  }
}
