import {Flags} from '@oclif/core'
import {TextCommand} from '../../app/cli/command.ts'
import {loadConfig} from '../../config/load.ts'
import {effective} from '../../config/printing/effective.ts'
import {fingerprint} from '../../config/printing/fingerprint.ts'

export default class ConfigShow extends TextCommand {
  static override summary = 'Print the configuration in use, with every default, and secrets masked.'
  static override usage = 'config show [DSN...] [-c FILE] [--json | --hosts]'
  static override strict = false
  static override flags = {
    config: Flags.string({char: 'c', helpValue: 'FILE', description: 'configuration file'}),
    json: Flags.boolean({description: 'print JSON instead of YAML'}),
    hosts: Flags.boolean({description: 'print the names of the hosts alone, one a line', exclusive: ['json']}),
  }

  async run(): Promise<void> {
    const {flags, argv} = await this.parse(ConfigShow)
    const config = await loadConfig({path: flags.config, dsns: argv as string[], env: process.env, cwd: process.cwd()})
    if (flags.hosts) return this.log(config.hosts.map(({name}) => name).join('\n'))
    const document = effective(config)
    if (flags.json) return this.log(JSON.stringify(document, null, 2))
    const {dump} = await import('js-yaml')
    const head = `# ${config.path ?? 'no file'}\n# hash ${fingerprint(config)}`
    this.log(`${head}\n${dump(document, {lineWidth: -1, noRefs: true}).trimEnd()}`)
  }
}
