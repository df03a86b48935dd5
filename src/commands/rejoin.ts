import {Flags} from '@oclif/core'
import {TextCommand} from '../app/cli/command.ts'
import {configFlag} from '../app/cli/flags.ts'
import {runRejoin} from '../app/node/rejoin/rejoin.ts'

export default class Rejoin extends TextCommand {
  static override summary = 'Bring a stray primary back as a standby.'
  static override description = [
    'Runs on the machine of the host, as the owner of its data directory. Changes nothing before most of the ',
    'other hosts and peers have confirmed another primary, and says first which commits would be lost. What ',
    'is discarded is archived.\n\n',
    'Exit codes: 0 done or nothing to do, 1 commits would be lost, 2 usage or configuration, 4 no other primary ',
    'is confirmed, 6 another rejoin runs, 7 Patroni or pg_auto_failover keeps the server, 8 another cluster or ',
    'no ancestor, 9 neither a rewind nor a clone is possible, 10 interrupted: only --clone is possible, ',
    '11 a step failed, 70 a bug.',
  ].join('')
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --accept-loss',
  ]
  static override flags = {
    'dry-run': Flags.boolean({description: 'print the plan, change nothing; exit as the run would'}),
    'accept-loss': Flags.boolean({description: 'discard the commits past the fork, after they are archived'}),
    auto: Flags.boolean({
      description: 'for a unit: discard at most rejoin.max_loss_commits; past that, stop the server',
      exclusive: ['accept-loss'],
    }),
    clone: Flags.boolean({description: 'copy the primary, and move the old data directory aside'}),
    json: Flags.boolean({description: 'print one JSON document'}),
    config: configFlag,
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(Rejoin)
    process.exitCode = await runRejoin({
      config: flags.config,
      dryRun: flags['dry-run'],
      acceptLoss: flags['accept-loss'],
      isAuto: flags.auto,
      wantsClone: flags.clone,
      json: flags.json,
    })
  }
}
