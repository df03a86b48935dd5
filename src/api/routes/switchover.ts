import {OperatorError} from '../../core/errors.ts'
import {holdToWire, verdictToWire} from '../../protocol/snapshot-json.ts'
import type {Context} from '../context.ts'
import type {Route} from '../route.ts'
import {byName, listOf, named, oneOf, orNull, record, text, yesOrNo} from '../schema.ts'
import {type Carry, durationOf, order, wordOf} from './orders.ts'

const carry: Carry = async (_, context, who, {on, ...body}) => {
  const {holds} = context
  const id = required(body.id, 'id')
  if (typeof on !== 'boolean')
    throw new OperatorError('BODY', '"on" is not true or false', 'Send {"on": true} or {"on": false}.')
  const isKnown = context.source.current().hold?.id === id
  if (!on) holds.release(id)
  else {
    const request = {
      id,
      group: required(body.group, 'group'),
      from: required(body.from, 'from'),
      to: wordOf(body.to, 'to'),
      isRenewal: body.renew === true,
      leaseMs: durationOf(body.lease, 'lease'),
      limitMs: durationOf(body.limit, 'limit'),
    }
    holds.hold(request, who)
  }
  // The command asks many times a second: on record are the begin and the end.
  const isUnrecorded = on ? isKnown : !isKnown
  return {...progressOf(context, typeof body.group === 'string' ? body.group : null), isUnrecorded}
}

const request = record<Readonly<Record<RequestField, unknown>>>(
  {
    on: yesOrNo,
    id: text,
    group: text,
    from: text,
    to: orNull(text),
    lease: {...text, examples: ['5s']},
    limit: {...text, examples: ['30s']},
    renew: yesOrNo,
    reason: orNull(text),
  },
  ['group', 'from', 'to', 'lease', 'limit', 'renew', 'reason'],
)
type RequestField = 'on' | 'id' | 'group' | 'from' | 'to' | 'lease' | 'limit' | 'renew' | 'reason'

const heldState = record<Readonly<Record<'id' | 'status' | 'why', unknown>>>({
  id: text,
  status: oneOf(['waiting', 'held', 'impossible', 'unconcerned']),
  why: listOf(text),
})
const progress = record<ReturnType<typeof progressOf>>({
  hold: orNull(named('Hold')),
  maintenance: yesOrNo,
  verdict: orNull(named('Verdict')),
  actuators: byName(
    record<Readonly<Record<'status' | 'problems' | 'held', unknown>>>({
      status: text,
      problems: listOf(text),
      held: orNull(heldState),
    }),
  ),
  done: text,
})

/**
 * What `pgroute66 switchover` asks, again and again: the writers of a group wait, or no longer do.
 * Each answer shows what came of it.
 */
export const switchoverRoute: Route = order(
  'switchover',
  {path: '/v1/switchover', body: progress, request: {required: true, body: request}},
  'Makes the writers of a group wait for a planned switch: {"on": true, "id": "…", "group": "…", "from": "host1", ' +
    '"to": "host2", "lease": "5s", "limit": "30s"}. "renew": true renews the lease, and "on": false ends it. ' +
    'The hold ends by itself when the lease or the limit is over, and once another host is routed to.',
  carry,
)

function required(value: unknown, name: string): string {
  const word = wordOf(value, name)
  if (word !== null && word !== '') return word
  throw new OperatorError('BODY', `"${name}" is missing`, 'Send {"on", "id", "group", "from", "lease", "limit"}.')
}

function progressOf({source}: Context, group: string | null) {
  const {hold, groups, actuators, maintenance} = source.current()
  const verdict = group === null ? undefined : groups[group]?.verdict
  return {
    hold: hold ? holdToWire(hold) : null,
    maintenance: maintenance !== null,
    verdict: verdict === undefined ? null : verdictToWire(verdict),
    actuators: Object.fromEntries(
      Object.entries(actuators).map(([name, {status, problems, held}]) => [
        name,
        {status, problems, held: held ?? null},
      ]),
    ),
    done: hold ? `the writers of ${hold.group} wait` : 'no writer waits for a switchover',
  }
}
