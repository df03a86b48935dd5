import {Command, Flags} from '@oclif/core'
import {configFlag} from '../app/cli/flags.ts'
import {ownVersion} from '../app/cli/version.ts'

export default class Doctor extends Command {
  static override summary = 'Examine everything at once: configuration, hosts, sources, the daemon and the routers.'
  static override description = [
    'config check --connect, and the running daemon, its verdicts, and the versions of HAProxy and PgBouncer: a line ',
    'each, and a remedy where one is needed. Exit code 0: nothing must be fixed; 2: something must; 4 or 5: the ',
    'verdict of the daemon, as of check; 3: a host, a router or the daemon does not answer.',
  ].join('')
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json']
  static override flags = {
    config: configFlag,
    json: Flags.boolean({description: 'print one JSON document'}),
  }

  async run(): Promise<void> {
    const {flags} = await this.parse(Doctor)
    const {doctor} = await import('../app/doctor/doctor.ts')
    const {env} = process
    this.exit(await doctor({config: flags.config, json: flags.json, env, cwd: process.cwd(), version: ownVersion()}))
  }
}
