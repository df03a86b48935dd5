import {Flags} from '@oclif/core'
import {boundsText} from '../../app/cli/bounds-text.ts'
import {TextCommand} from '../../app/cli/command.ts'
import {loadConfig} from '../../config/load.ts'
import {ConfigError} from '../../config/reading/problem.ts'
import {boundsOf} from '../../core/reports/bounds.ts'

export default class ConfigCheck extends TextCommand {
  static override summary = 'Check the configuration and what the daemon needs: all problems at once.'
  static override description =
    'Tries ports, sockets, files, hook commands and certificates as this user. Exit code 0: the ' +
    'configuration can be used; warnings go to stderr. Exit code 2: it cannot.'
  static override usage = 'config check [DSN...] [-c FILE] [--connect] [--json]'
  static override strict = false
  static override flags = {
    config: Flags.string({char: 'c', helpValue: 'FILE', description: 'configuration file'}),
    connect: Flags.boolean({
      description:
        'connect to each host (role, version, identity, privileges, duplicates), HAProxy, PgBouncer and peers',
    }),
    json: Flags.boolean({description: 'print one JSON document'}),
  }

  async run(): Promise<void> {
    const {flags, argv} = await this.parse(ConfigCheck)
    const {startTrial: trial} = await import('../../app/serve/trial/start-trial.ts')
    const asked = {path: flags.config, dsns: argv as string[], env: process.env, cwd: process.cwd()}
    const config = await loadConfig({...asked, trial, learning: 'anew'}).catch((error) => {
      if (!flags.json || !(error instanceof ConfigError)) throw error
      const {code, message, next, problems} = error
      this.log(JSON.stringify({exit: 2, ok: false, error: {code, message, next}, problems}, null, 2))
      this.exit(2)
    })
    if (!flags.json) {
      for (const {path, message, next} of config.warnings) this.logToStderr(`warning: ${path} ${message}. ${next}`)
    }
    if (!flags.connect) {
      const bounds = boundsOf(config.probe, config.groups)
      const {path, warnings} = config
      this.log(flags.json ? JSON.stringify({ok: true, path, warnings, bounds}, null, 2) : `ok\n${boundsText(bounds)}`)
      return
    }
    const {connectTrial} = await import('../../app/serve/connect-trial.ts')
    const {ok, text, notes, ...found} = await connectTrial(config)
    if (!flags.json) for (const note of notes) this.logToStderr(`warning: ${note}`)
    const {path, warnings} = config
    this.log(flags.json ? JSON.stringify({ok, path, warnings, ...found, notes}, null, 2) : text)
    if (!ok) this.exit(2)
  }
}
