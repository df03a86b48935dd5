import {Flags} from '@oclif/core'
import {haproxyFile, haproxyStyles} from '../../actuators/haproxy/cfg.ts'
import {haproxySite} from '../../actuators/haproxy/site.ts'
import {TextCommand} from '../../app/cli/command.ts'
import {caFlag, configFlag} from '../../app/cli/flags.ts'
import {loadConfig} from '../../config/load.ts'

export default class HaproxyConfig extends TextCommand {
  static override summary = 'Print a complete haproxy.cfg for this configuration.'
  static override description = `HAProxy can learn the verdict in four ways:
  push      serve changes HAProxy over its stats socket at once; one daemon per HAProxy
  agent     HAProxy asks serve's agent port, five times a second
  httpchk   HAProxy asks serve over HTTP, four times a second
  external  HAProxy runs a command for each check; this also works without serve
Warnings about the file go to stderr.`
  static override usage = 'haproxy config --style push|agent|httpchk|external [-c FILE] [DSN...]'
  static override examples = ['<%= config.bin %> <%= command.id %> --style push > /etc/haproxy/haproxy.cfg']
  static override strict = false
  static override flags = {
    style: Flags.option({options: haproxyStyles, required: true, description: 'how HAProxy learns the verdict'})(),
    config: configFlag,
    'max-lag': Flags.string({
      description: 'send no readers to a standby that lags further behind (agent, httpchk)',
      helpValue: '16MB',
    }),
    daemon: Flags.string({
      description: 'where HAProxy reaches serve [default: bind and port]',
      helpValue: 'HOST[:PORT]',
    }),
    ca: caFlag,
    instance: Flags.string({
      description: 'the entry of haproxy.instances that the file is for [default: the first]',
      helpValue: 'SOCKET',
    }),
  }

  async run(): Promise<void> {
    const {flags, argv} = await this.parse(HaproxyConfig)
    const config = await loadConfig({path: flags.config, dsns: argv as string[], env: process.env, cwd: process.cwd()})
    const {file, warnings} = haproxySite(config, {...flags, maxLag: flags['max-lag']})
    for (const warning of warnings) this.logToStderr(`warning: ${warning}`)
    this.log(haproxyFile(file).trimEnd())
  }
}
