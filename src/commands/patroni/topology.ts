import {Command} from '@oclif/core'
import {intervalOf} from '../../app/cli/interval.ts'
import {listFlags, siteFlags} from '../../app/patroni/flags.ts'
import {printList} from '../../app/patroni/reads.ts'

export default class PatroniTopology extends Command {
  static override summary = 'Show the members of a Patroni cluster as a tree: who follows whom.'
  static override description =
    'The columns and the exit code are those of "patroni list". A member follows the leader, or its tag replicatefrom.'
  static override examples = ['<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008']
  static override flags = {...siteFlags, ...listFlags}

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniTopology)
    process.exitCode = await printList({...flags, isTree: true, everyMs: intervalOf(flags.interval)})
  }
}
