import {Command, Flags} from '@oclif/core'
import {configFlag} from '../app/cli/flags.ts'
import {serve} from '../app/serve/serve.ts'
import {exitNow} from '../system/exit.ts'
import {showAs} from '../system/title.ts'

export default class Serve extends Command {
  static override summary = 'Run the daemon: it watches the hosts and answers over HTTP.'
  static override description = [
    'SIGHUP makes the daemon read its configuration again; a bad configuration changes nothing. SIGTERM ',
    'and SIGINT stop the daemon; a second signal stops it at once.\n\n',
    '"pgroute66 FILE.yml", "pgroute66 -c FILE.yml", and "pgroute66" with $PGROUTE66CONFIG do the same.',
  ].join('')
  static override usage = 'serve [-c FILE] [DSN...]'
  static override examples = ['<%= config.bin %> <%= command.id %> -c /etc/pgroute66/config.yaml']
  static override strict = false
  static override flags = {
    config: configFlag,
    debug: Flags.boolean({char: 'd', description: 'log at level debug, whatever loglevel says'}),
    'dry-run': Flags.boolean({
      description: 'log what serve would send to HAProxy, PgBouncer and hooks, and send nothing',
    }),
  }

  async run(): Promise<void> {
    const {argv, flags} = await this.parse(Serve)
    showAs('serve', flags.config)
    const env = {env: process.env, cwd: process.cwd(), version: this.config.version}
    const {config, debug, 'dry-run': dryRun} = flags
    exitNow(await serve({config, dsns: argv as string[], dryRun, isDebug: debug}, env))
  }
}
