import {Args, Flags} from '@oclif/core'
import {OperatorError} from '../../core/errors.ts'
import {caFlag, configFlag, controlSocketFlag, tokenFileFlag, urlFlag} from '../cli/flags.ts'
import {print} from '../cli/print.ts'
import {controlChannel, whoAsks} from './channel.ts'
import {order} from './order.ts'

export const hostArg = (description: string) =>
  Args.string({
    required: true,
    description,
    async parse(host) {
      if (host.trim() === '') throw new OperatorError('USAGE', 'HOST is empty', 'Is a variable not set?')
      return host
    },
  })

/** The flags of every command that gives the daemon an order. */
export const orderFlags = {
  reason: Flags.string({description: 'why, for the record'}),
  json: Flags.boolean({description: 'print one JSON document'}),
  'control-socket': controlSocketFlag,
  url: urlFlag,
  'token-file': tokenFileFlag,
  ca: caFlag,
  cert: Flags.string({description: 'client certificate for --url', helpValue: 'FILE', dependsOn: ['key']}),
  key: Flags.string({description: 'private key of --cert', helpValue: 'FILE', dependsOn: ['cert']}),
  config: configFlag,
}
/** Those of an order that is not recorded. */
const {reason: _, ...unrecorded} = orderFlags
export const pokeFlags = unrecorded

type OrderFlags = Readonly<
  Partial<Record<Exclude<keyof typeof orderFlags, 'json'>, string | undefined>> & {json: boolean}
>

/** Sends the order, and prints what the daemon did. Throws OperatorError with the daemon's own text. */
export async function giveOrder(path: string, body: object, flags: OrderFlags, done: string): Promise<void> {
  const {env} = process
  const channel = await controlChannel({...flags, socket: flags['control-socket'], env, cwd: process.cwd()})
  const answer = await order(channel, path, {...body, reason: flags.reason ?? null, by: whoAsks(env)})
  print(1, flags.json ? JSON.stringify({exit: 0, ok: true, ...answer}) : `${done}: ${answer.done}`)
}
