import {Args, Command, Flags} from '@oclif/core'
import {configFlag, jsonFlag} from '../app/cli/flags.ts'
import {compare} from '../app/look/compare/compare.ts'
import {exitNow} from '../system/exit.ts'

export default class Compare extends Command {
  static override summary = 'Say which of two hosts holds what: the fork, and what each holds alone.'
  static override description = [
    'Asks the hosts themselves, and changes nothing. Where a data directory is on this machine, the ',
    'commits are counted too, by pg_waldump, also of a server that is stopped. A host is recommended only ',
    'where its timeline is the higher one, other hosts follow it alone, and the other is no running primary.\n\n',
    'Exit codes: 0 one holds all that the other holds, 2 usage or configuration error, 3 a host does not ',
    'say what it holds, 4 each holds what the other lacks, or it cannot be told.',
  ].join('')
  static override examples = [
    '<%= config.bin %> <%= command.id %> host1 host2',
    '<%= config.bin %> <%= command.id %> host1 host2 --pgdata host1=/var/lib/postgresql/15/main',
  ]
  static override args = {
    one: Args.string({required: true, description: 'a host', ignoreStdin: true}),
    other: Args.string({required: true, description: 'the host to compare it with', ignoreStdin: true}),
  }
  static override flags = {
    pgdata: Flags.string({
      description: 'the data directory of a host, on this machine [default: rejoin.pgdata for the local host]',
      helpValue: 'HOST=FOLDER',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
    }),
    bin: Flags.string({description: 'folder of pg_waldump and pg_controldata', helpValue: 'FOLDER'}),
    group: Flags.string({char: 'g', description: 'the group that has both hosts'}),
    timeout: Flags.string({char: 't', description: 'time for the questions to the hosts', default: '5s'}),
    json: jsonFlag,
    config: configFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Compare)
    exitNow(await compare([args.one, args.other], {...flags, bin: flags.bin, version: this.config.version}))
  }
}
