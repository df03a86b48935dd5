import {OperatorError} from '../../core/errors.ts'
import type {WireKeyChange, WireReloadPlan} from '../../protocol/reload-json.ts'
import {confirm} from '../cli/confirm.ts'
import {print} from '../cli/print.ts'
import {controlChannel, whoAsks} from './channel.ts'
import type {giveOrder} from './flags.ts'
import {order} from './order.ts'

type ReloadFlags = Parameters<typeof giveOrder>[2] & Readonly<{yes: boolean; 'dry-run': boolean}>

/** A file of a thousand hosts is read and tried twice. */
const limitMs = 30_000

/**
 * Shows what the daemon would change, asks, and has it reload just that. Throws OperatorError with the
 * daemon's own text where the file cannot be used.
 */
export async function reload(flags: ReloadFlags): Promise<void> {
  const {env} = process
  const channel = await controlChannel({...flags, socket: flags['control-socket'], env, cwd: process.cwd()})
  const who = {reason: flags.reason ?? null, by: whoAsks(env)}
  const planned = await order(channel, '/v1/reload', {...who, dry_run: true}, limitMs)
  const plan = planOf(planned.plan)
  if (flags['dry-run']) return say(flags, plan, 'dry run: nothing was done', false)
  if (!flags.json) print(1, planText(plan))
  await confirm('Reload?', flags.yes)
  const {done} = await order(channel, '/v1/reload', {...who, plan: plan.plan}, limitMs)
  if (flags.json) say(flags, plan, String(done), true)
  else print(1, String(done))
}

function say({json}: Pick<ReloadFlags, 'json'>, plan: WireReloadPlan, done: string, isReloaded: boolean): void {
  print(1, json ? JSON.stringify({exit: 0, ok: true, reloaded: isReloaded, done, plan}) : `${planText(plan)}\n${done}`)
}

function planOf(plan: unknown): WireReloadPlan {
  if (typeof plan === 'object' && plan !== null && 'hosts' in plan) return plan as WireReloadPlan
  throw new OperatorError(
    'DAEMON',
    'the daemon sent no plan',
    'Restart the daemon after an upgrade. An older daemon reloads by SIGHUP alone.',
  )
}

/** A line per key that changes, then whose connections end. */
export function planText({path, hash, changes, hosts, listeners, routers, warnings}: WireReloadPlan): string {
  const {added, removed, changed, restarted, kept} = hosts
  const told = (label: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${label}: ${names.join(', ')}`]
  const reconnected = [...changed, ...restarted]
  return [
    `${path ?? 'no file'}: ${changes.length === 0 ? 'no key changes' : `${hash.in_force} becomes ${hash.file}`}`,
    ...changes.map(changeText),
    ...told('hosts that come', added),
    ...told('hosts that go', removed),
    ...told('hosts that are reconnected', reconnected),
    ...told('routers that are reconnected', routers),
    ...told('clients of the API that lose their connection', listeners.closed),
    ...told('the API opens', listeners.opened),
    ...(kept.length > 0 && reconnected.length === 0
      ? [`${kept.length === 1 ? 'one host keeps its session' : `${kept.length} hosts keep their sessions`}`]
      : told('hosts that keep their session', kept)),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n')
}

const changeText = ({path, from, to, secret}: WireKeyChange): string => {
  if (secret) return `  ${path}: another value, which is not shown`
  if (from === null) return `  ${path}: ${to} (was not set)`
  return to === null ? `  ${path}: no longer set (was ${from})` : `  ${path}: ${from} becomes ${to}`
}
