import {Command, Flags} from '@oclif/core'
import {editConfig} from '../../app/patroni/edit-config.ts'
import {siteFlags, yesFlag} from '../../app/patroni/flags.ts'
import {readNamed} from '../../system/named-file.ts'

export default class PatroniEditConfig extends Command {
  static override summary = 'Change or print the dynamic configuration of a Patroni cluster.'
  static override description =
    'Without a flag, opens $EDITOR on it. The difference is shown, asked for, and read back. Exit 1: Patroni refuses.'
  static override examples = [
    '<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008',
    '<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008 --print',
    '<%= config.bin %> <%= command.id %> --url http://10.0.0.1:8008 --set postgresql.parameters.max_connections=200',
  ]
  static override flags = {
    ...siteFlags,
    print: Flags.boolean({description: 'print it, and change nothing', exclusive: ['set', 'apply', 'replace']}),
    set: Flags.string({
      char: 's',
      multiple: true,
      description: 'change one key; the value is YAML, "null" removes the key',
      helpValue: 'KEY=VALUE',
    }),
    apply: Flags.string({description: 'change what the YAML or JSON of this file names', helpValue: 'FILE'}),
    replace: Flags.string({
      description: 'replace the whole configuration by this file',
      helpValue: 'FILE',
      exclusive: ['set', 'apply'],
    }),
    yes: yesFlag,
    json: Flags.boolean({description: 'print one JSON document'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(PatroniEditConfig)
    process.exitCode = await editConfig(flags, (path) => readNamed(path, 'FILE'))
  }
}
