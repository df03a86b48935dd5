import {OperatorError} from '../../core/errors.ts'
import type {WireKeyChange, WireReloadPlan} from '../../protocol/reload-json.ts'
import type {Route} from '../route.ts'
import {listOf, orNull, record, text, yesOrNo} from '../schema.ts'
import {type Carry, order, refuseLate, wordOf} from './orders.ts'

const names = listOf(text)
const plan = record<WireReloadPlan>({
  plan: text,
  path: orNull(text),
  hash: record<WireReloadPlan['hash']>({in_force: text, file: text}),
  changes: listOf(record<WireKeyChange>({path: text, from: orNull(text), to: orNull(text), secret: yesOrNo})),
  hosts: record<WireReloadPlan['hosts']>({added: names, removed: names, changed: names, restarted: names, kept: names}),
  listeners: record<WireReloadPlan['listeners']>({opened: names, closed: names}),
  routers: names,
  warnings: names,
})

const carry: Carry = async (request, {reloads, clock}, _who, body) => {
  const {dry_run: isDry = false} = body
  const asked = wordOf(body.plan, 'plan')
  if (typeof isDry !== 'boolean')
    throw new OperatorError('BODY', '"dry_run" is not true or false', 'Send {"dry_run": true} or {}.')
  const reloading = reloads()
  if (reloading === null)
    throw new OperatorError('TOO_EARLY', 'the daemon is still starting', 'Send the order again in some seconds.')
  if (isDry) {
    const planned = await reloading.plan()
    return {plan: planned, done: `${planned.changes.length} keys would change; nothing was done`, isUnrecorded: true}
  }
  const carriedOut = await reloading.carryOut(asked, () => refuseLate(request.raw, body, clock))
  const {in_force: from, file: to} = carriedOut.hash
  return {plan: carriedOut, done: `reloaded: ${carriedOut.changes.length} keys changed (${from} to ${to})`}
}

const request = record<Readonly<Record<'dry_run' | 'plan' | 'reason', unknown>>>(
  {dry_run: yesOrNo, plan: orNull(text), reason: orNull({...text, maxLength: 500})},
  ['dry_run', 'plan', 'reason'],
)

/** What SIGHUP does, after the file was tried as `config check` tries it. */
export const reloadRoute: Route = order(
  'reload',
  {path: '/v1/reload', body: record({plan, done: text}), request: {required: false, body: request}},
  'Reads the configuration file again. {"dry_run": true} only says what would change, and which connections would ' +
    'end; {"plan": "…"} with the "plan.plan" of that answer reloads only if nothing has changed since. A file that ' +
    'cannot be used, or asks for what this machine does not have, changes nothing (409).',
  carry,
)
