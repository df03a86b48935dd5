import {Args, Command, Flags} from '@oclif/core'
import {orderFlags} from '../app/control/flags.ts'
import {yesFlag} from '../app/patroni/flags.ts'
import {switchover} from '../app/switchover/switchover.ts'

export default class Switchover extends Command {
  static override summary = 'Make another host the primary, while clients wait.'
  static override description = [
    'PgBouncer pauses, HAProxy lets new clients wait, open transactions end. Then the HA tool switches, the new ',
    'primary is confirmed, and clients go on. Past the deadline everything is put back. A command gets ',
    'PGROUTE66_FROM and PGROUTE66_TO, both also with _ADDRESS and _PORT. ',
    'Exit 0: done. 1: everything is as before. 4: look at the cluster.',
  ].join('')
  static override examples = [
    '<%= config.bin %> <%= command.id %> host2',
    '<%= config.bin %> <%= command.id %> host2 --via run -- /usr/local/bin/promote.sh',
  ]
  static override strict = false
  static override args = {host: Args.string({description: 'the next primary [default: the best standby]'})}
  static override flags = {
    ...orderFlags,
    via: Flags.option({
      options: ['patroni', 'repmgr', 'run'] as const,
      description: 'what switches over [default: as the group is configured]',
    })(),
    group: Flags.string({description: 'the group, where a host is in several'}),
    deadline: Flags.string({description: 'when everything is put back', default: '30s', helpValue: 'DURATION'}),
    drain: Flags.string({description: 'for open transactions to end', default: '5s', helpValue: 'DURATION'}),
    'max-lag': Flags.string({description: 'of the next primary', default: '16MB', helpValue: 'SIZE'}),
    'cut-open': Flags.boolean({description: 'switch although transactions or sessions are open after --drain'}),
    'repmgr-conf': Flags.string({description: 'of the next primary', default: '/etc/repmgr.conf', helpValue: 'FILE'}),
    'ssh-user': Flags.string({description: 'for repmgr on another host', helpValue: 'NAME'}),
    'dry-run': Flags.boolean({description: 'check and show the plan, and change nothing'}),
    yes: yesFlag,
  }

  async run(): Promise<void> {
    const at = this.argv.indexOf('--')
    const command = at < 0 ? [] : this.argv.slice(at + 1)
    const {args, argv, flags} = await this.parse(Switchover, at < 0 ? this.argv : this.argv.slice(0, at))
    process.exitCode = await switchover({host: args.host ?? null, more: argv.slice(1), argv: command}, flags)
  }
}
