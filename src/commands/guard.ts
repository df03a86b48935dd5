import {Command, Flags} from '@oclif/core'
import {configFlag} from '../app/cli/flags.ts'
import {runGuard} from '../app/node/guard/run.ts'
import {exitNow} from '../system/exit.ts'
import {showAs} from '../system/title.ts'

const modes = ['server-only', 'client-only', 'once', 'deny', 'dry-run'] as const

export default class Guard extends Command {
  static override summary = "Open and shut this host's pg_hba.conf for routers and applications."
  static override description = [
    'Runs on a database host as the user of PostgreSQL. The gate of the users in guard.users opens while a ',
    'majority of the hosts agrees that this host is the primary; what it allows is a lease.\n\n',
    'Exit codes of --once, --client-only and --dry-run: 0 allow, 1 deny, 2 usage or configuration error, 3 nothing ',
    'could be written. Of --deny: 0 or 3.',
  ].join('')
  static override examples = [
    '<%= config.bin %> <%= command.id %> -c /etc/pgroute66/config.yaml',
    '<%= config.bin %> <%= command.id %> -f /etc/harepd/conf.yml --dry-run',
    '<%= config.bin %> <%= command.id %> --deny',
  ]
  static override flags = {
    config: configFlag,
    harepd: Flags.string({char: 'f', description: "harepd's configuration file, as it is", exclusive: ['config']}),
    quorum: Flags.option({
      options: ['majority', 'any'] as const,
      description: 'with -f: who must agree',
      dependsOn: ['harepd'],
    })(),
    'server-only': exclusive('server-only', 'answer neighbours, and touch no gate'),
    'client-only': exclusive('client-only', 'the same as --once'),
    once: exclusive('once', 'decide once, write, and exit; what is allowed is then no lease'),
    deny: exclusive('deny', 'shut the gates now and exit, as before a start of PostgreSQL'),
    'dry-run': exclusive('dry-run', 'decide once, print what would be written, and write nothing'),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(Guard)
    showAs('guard', flags.config)
    const chosen = modes.find((name) => flags[name])
    const mode = chosen === 'server-only' ? 'serve' : chosen === 'client-only' ? 'once' : (chosen ?? 'loop')
    exitNow(await runGuard({...flags, mode}, this.config.version))
  }
}

function exclusive(name: (typeof modes)[number], description: string) {
  return Flags.boolean({description, exclusive: modes.filter((other) => other !== name)})
}
