import {Command, Flags} from '@oclif/core'
import {pokeFlags} from '../app/control/flags.ts'
import {why} from '../app/look/why.ts'

export default class Why extends Command {
  static override summary = 'Say why writes go where they go, and what to do next.'
  static override description = [
    'The verdict of the running daemon with the name of the situation, its meaning and the remedy. ',
    'Exit 0: every group is healthy. 4: one is not.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %> --json']
  static override flags = {...pokeFlags, group: Flags.string({description: 'only this group'})}

  async run(): Promise<void> {
    const {flags} = await this.parse(Why)
    process.exitCode = await why(flags)
  }
}
