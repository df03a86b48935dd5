import {Args, Command, Flags} from '@oclif/core'
import {checkFlags, parsedArguments} from '../app/check/arguments.ts'
import {check} from '../app/check/check.ts'
import {configFlag, jsonFlag, socketFlag} from '../app/cli/flags.ts'
import {notDeposed} from '../app/node/rejoin/start.ts'
import {exitNow} from '../system/exit.ts'

export default class Check extends Command {
  static override summary = 'Judge a host or the group once; the exit code is the answer.'
  static override description = [
    'Asks the running daemon. Where no daemon answers, check asks the servers themselves.\n\n',
    'Exit codes: 0 the host has the asked role (without HOST: exactly one primary, confirmed), 1 up but ',
    'not that role, beyond --max-lag or drained, 2 usage or configuration error, 3 unavailable, 4 split ',
    'brain, unconfirmed or starting, 5 no primary (without HOST), 70 a bug.\n\n',
    'With --not-deposed: 0 the server may start, 1 another host is the primary, 4 that cannot be told.\n\n',
    'As HAProxy\'s "external-check command", check takes HAProxy\'s four arguments. Under the name ',
    'pgroute66-check-primary or pgroute66-check-standby, check asks for that role.',
  ].join('')
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> host1 --role standby --max-lag 16MB',
    '<%= config.bin %> <%= command.id %> postgres://monitor@10.0.0.1,10.0.0.2/postgres --json',
  ]
  static override args = {
    // Never read from stdin: in `while read host; do pgroute66 check; done < hosts`, check would
    // consume the list of hosts.
    host: Args.string({
      description: 'a host of the configuration, or connection strings; without HOST: the whole group',
      ignoreStdin: true,
    }),
  }
  /** HAProxy passes four arguments, and a group may be several connection strings. */
  static override strict = false
  static override flags = {
    role: Flags.string({description: 'the role to ask for [default: primary]', options: [...checkFlags.options.role]}),
    'max-lag': Flags.string({description: 'how far a standby may lag behind', helpValue: '16MB|5s'}),
    group: Flags.string({char: 'g', description: 'only this group'}),
    timeout: Flags.string({
      char: 't',
      description: 'time for the whole command [default: check.timeout of the configuration, 2s]',
    }),
    json: jsonFlag,
    format: Flags.string({description: 'format of the answer', options: ['text', 'nagios'], default: 'text'}),
    socket: socketFlag,
    fallback: Flags.string({description: 'where no daemon answers', options: ['probe', 'none'], default: 'probe'}),
    direct: Flags.boolean({description: 'ask the servers, not the daemon', exclusive: ['socket', 'fallback']}),
    'not-deposed': Flags.boolean({description: 'before a start of PostgreSQL here: is another host the primary?'}),
    config: configFlag,
  }

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(Check)
    if (flags['not-deposed']) return exitNow(await notDeposed(flags.config))
    const given = parsedArguments(argv as string[], flags)
    exitNow(await check(given, {env: process.env, cwd: process.cwd(), version: this.config.version, missed: null}))
  }
}
