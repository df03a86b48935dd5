import type {Config} from '../../config/config.ts'
import {OperatorError} from '../../core/errors.ts'
import type {WireSnapshot} from '../../protocol/snapshot-json.ts'
import {explained, siteOf} from '../patroni/site.ts'
import {commandTool} from './command-tool.ts'
import {patroniTool} from './patroni-tool.ts'
import type {Move, Tool} from './tool.ts'

export type Via = 'patroni' | 'repmgr' | 'run'
export type ToolFlags = Readonly<{
  via?: Via | undefined
  config?: string | undefined
  'repmgr-conf': string
  'ssh-user'?: string | undefined
}>
type Site = Readonly<{config: Config | null; snapshot: WireSnapshot; argv: readonly string[]; env: NodeJS.ProcessEnv}>

/** What shall make the other host the primary: as `--via` says, or as the group's configuration does. */
export async function toolFor(flags: ToolFlags, move: Move & {to: string}, site: Site): Promise<Tool> {
  const {config, snapshot, argv, env} = site
  const group = config?.groups.find(({name}) => name === move.group)
  const via = flags.via ?? (argv.length > 0 ? 'run' : group?.patroni ? 'patroni' : group?.repmgr ? 'repmgr' : null)
  if (via !== 'run' && argv.length > 0)
    throw new OperatorError('USAGE', `--via ${via} takes no command`, 'Remove the words after "--", or use --via run.')
  switch (via) {
    case 'run':
      if (argv.length > 0) return commandTool(argv, snapshot.hosts, env)
      throw new OperatorError('USAGE', '--via run names no command', 'Write it at the end: --via run -- COMMAND …')
    case 'repmgr':
      return commandTool(repmgrCommand(flags, move.to, site), snapshot.hosts, env)
    case 'patroni': {
      const {client} = await siteOf({config: flags.config, group: move.group})
      return explained(() => patroniTool({client, hosts: snapshot.hosts, members: group?.patroni?.members ?? {}}, move))
    }
    case null: {
      const next = 'Add --via patroni, --via repmgr, or --via run -- COMMAND …'
      throw new OperatorError('USAGE', `the configuration names no HA tool for ${move.group}`, next)
    }
  }
}

/**
 * repmgr switches over from the host that shall be promoted (repmgr's manual, "repmgr standby
 * switchover"): here where that is the local host, else by ssh.
 */
function repmgrCommand(flags: ToolFlags, to: string, {config, snapshot}: Site): readonly string[] {
  const repmgr = ['repmgr', '-f', flags['repmgr-conf'], 'standby', 'switchover', '--siblings-follow']
  if (config?.local === to) return repmgr
  const address = snapshot.hosts[to]?.address ?? to
  const place = flags['ssh-user'] === undefined ? address : `${flags['ssh-user']}@${address}`
  return ['ssh', '-o', 'BatchMode=yes', place, ...repmgr]
}
