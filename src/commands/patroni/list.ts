import {Command} from '@oclif/core'
import {intervalOf} from '../../app/cli/interval.ts'
import {listFlags, siteFlags} from '../../app/patroni/flags.ts'
import {printList} from '../../app/patroni/reads.ts'

export default class PatroniList extends Command {
  static override summary = 'List the members of a Patroni cluster, by their own words.'
  static override description = [
    'Any member of the cluster is enough, also while its DCS is away. Exit 0: one member leads. 4: the ',
    'members or the DCS contradict each other. 5: no member leads. 3: no member answers.\n',
    'A lag is "?" unless the member streams on the timeline of the leader. "Age" is 0 s where the member ',
    'itself has answered; a "?" is what the DCS keeps of it, of unknown age.',
  ].join('')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008',
    '<%= config.bin %> <%= command.id %> --etcd http://10.0.0.10:2379 --scope pg -e',
  ]
  static override flags = {...siteFlags, ...listFlags}

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniList)
    process.exitCode = await printList({...flags, everyMs: intervalOf(flags.interval)})
  }
}
