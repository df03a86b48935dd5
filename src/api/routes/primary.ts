import {eligibilityOf, noLimits} from '../../core/offers/eligibility.ts'
import type {GroupState, Snapshot} from '../../core/snapshot.ts'
import {isSplitBrain, mayRoute} from '../../core/verdict/verdict-kind.ts'
import {type Answer, json, jsonType} from '../answer.ts'
import {AnswerCache} from '../answer-cache.ts'
import type {Context} from '../context.ts'
import {queryOf} from '../query.ts'
import {groupParameter, type Route} from '../route.ts'
import {constant, either, listOf, text} from '../schema.ts'

type Format = Context['config']['v1Format']

/** An empty list, or the empty text of `v1_format: released`. */
const noHost = either({...listOf(text), maxItems: 0}, constant(''))
/** `null`: an empty list in `v1_format: released`. */
const hostNames = {
  answers: {200: 'the names of the hosts, sorted', 404: 'no such group'},
  body: either(listOf(text), {type: 'null'}),
  bodies: {404: either({...listOf(text), maxItems: 0}, {type: 'null'})},
}

/** What routers poll all the time: each answer is made once per snapshot. */
export function primaryRoutes(): readonly Route[] {
  const [primary, primaries, standbys] = [new AnswerCache(), new AnswerCache(), new AnswerCache()]
  const route = (
    name: string,
    cache: AnswerCache,
    make: Make,
    about: Pick<Route, 'summary' | 'answers' | 'body' | 'bodies'>,
  ): Route => {
    const answer = (asked: string | null, {source, config}: Context) => {
      // Read for each request: only `current` notices that an answer went stale.
      const snapshot = source.current()
      const isKnown = asked === null || Object.hasOwn(snapshot.groups, asked)
      const format = config.v1Format
      return isKnown
        ? cache.answer(snapshot, `${format} ${asked ?? ''}`, () => make(snapshot, asked, format))
        : empty(format, name)
    }
    return {
      ...about,
      method: 'GET',
      path: `/v1/${name}`,
      parameters: [groupParameter],
      type: jsonType,
      plain: (context) => answer(null, context),
      handle: (request, context) => answer(queryOf(request, 'group'), context),
    }
  }
  return [
    route('primary', primary, answerPrimary, {
      summary: 'The one host that accepts writes.',
      answers: {
        200: 'the name of the host',
        404: 'no primary, or no such group',
        409: 'split brain, or there are several groups and the request names none',
        503: 'the primary is unconfirmed or drained, or the daemon is starting',
      },
      body: either({...listOf(text), minItems: 1, maxItems: 1}, text),
      bodies: {404: noHost, 409: noHost, 503: noHost},
    }),
    route(
      'primaries',
      primaries,
      (snapshot, group, format) => names(hostsThatAre('primary', snapshot, group), format),
      {
        summary: 'All hosts with the role primary, routed or not.',
        ...hostNames,
      },
    ),
    route('standbys', standbys, (snapshot, group, format) => names(hostsThatAre('standby', snapshot, group), format), {
      summary: 'All standbys that are not drained.',
      ...hostNames,
    }),
  ]
}
type Make = (snapshot: Snapshot, group: string | null, format: Format) => Answer

/** `name`: the last part of the path. */
const empty = (format: Format, name: string): Answer =>
  format === 'documented' ? json(404, []) : {status: 404, type: jsonType, body: name === 'primary' ? '""' : 'null'}

function answerPrimary(snapshot: Snapshot, asked: string | null, format: Format): Answer {
  const groups = Object.values(snapshot.groups)
  const group = asked === null ? (groups.length === 1 ? groups[0] : undefined) : snapshot.groups[asked]
  if (group) return one(statusOf(group), group.verdict.routedTo, format)
  if (format === 'released') return one(...overAll(snapshot), format)
  if (groups.length === 0) return one(404, null, format)
  const names = groups.slice(0, 10).map(({name}) => name)
  return {
    ...one(409, null, format),
    headers: {'x-pgroute66-hint': `several groups: add ?group= with one of ${names.join(', ')}`},
  }
}

function statusOf({verdict}: GroupState): number {
  if (mayRoute(verdict)) return 200
  if (isSplitBrain(verdict)) return 409
  return verdict.kind === 'no-primary' ? 404 : 503
}

/**
 * As the original, which knew no groups. One exception: a host that its group does not route to is
 * not returned.
 */
function overAll(snapshot: Snapshot): [status: number, host: string | null] {
  const primaries = Object.values(snapshot.hosts).filter(({role}) => role === 'primary')
  const [first] = primaries
  if (first === undefined) return [404, null]
  if (primaries.length > 1) return [409, null]
  return eligibilityOf('primary', snapshot, first, noLimits).ok ? [200, first.host] : [503, null]
}

function one(status: number, host: string | null, format: Format): Answer {
  const found = status === 200 && host !== null
  return json(status, format === 'released' ? (found ? host : '') : found ? [host] : [])
}

function hostsThatAre(role: 'primary' | 'standby', snapshot: Snapshot, group: string | null): readonly string[] {
  const hosts = Object.values(snapshot.hosts).filter(
    (host) => host.role === role && (group === null || host.groups.includes(group)),
  )
  // A router never gets a drained standby. The list of primaries is a fact, not an offer.
  return hosts
    .filter(({drained}) => role === 'primary' || drained === null)
    .map(({host}) => host)
    .sort()
}

/** `released`: as Go's MarshalIndent writes a list; the empty one is a nil slice, `null`. */
function names(hosts: readonly string[], format: Format): Answer {
  if (format === 'documented') return json(200, hosts)
  return {status: 200, type: jsonType, body: hosts.length === 0 ? 'null' : JSON.stringify(hosts, null, 4)}
}
