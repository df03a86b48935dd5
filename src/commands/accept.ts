import {Args, Command, Flags} from '@oclif/core'
import {controlChannel, whoAsks} from '../app/control-channel.ts'
import {caFlag, configFlag, controlSocketFlag, tokenFileFlag, urlFlag} from '../app/flags.ts'
import {order} from '../app/order.ts'
import {print} from '../app/output.ts'

export default class Accept extends Command {
  static override summary = "The operator's word: this host is the primary, and its cluster is the cluster."
  static override description =
    `Ends a split brain whose other side only fell silent, a doubt because of an old timeline, and a tie of clusters. It cannot make two live primaries one. Who said it, and why, goes to the daemon's log.`
  static override examples = ['<%= config.bin %> <%= command.id %> host2 --reason "host1 burnt down"']
  static override args = {host: Args.string({required: true, description: 'the host that is the primary'})}
  static override flags = {
    reason: Flags.string({description: 'why, for the record'}),
    json: Flags.boolean({description: 'print one JSON document'}),
    'control-socket': controlSocketFlag,
    url: urlFlag,
    'token-file': tokenFileFlag,
    ca: caFlag,
    config: configFlag,
  }

  async run(): Promise<void> {
    const {args, flags} = await this.parse(Accept)
    const {env} = process
    const channel = await controlChannel({...flags, socket: flags['control-socket'], env, cwd: process.cwd()})
    const path = `/v1/hosts/${encodeURIComponent(args.host)}/accept`
    const answer = await order(channel, path, {reason: flags.reason ?? null, by: whoAsks(env)})
    print(1, flags.json ? JSON.stringify({exit: 0, ok: true, ...answer}) : `accepted: ${answer.done}`)
  }
}
