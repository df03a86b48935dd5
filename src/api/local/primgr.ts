import {foldNode, nodeOfHost} from '../../core/ha-tools/repmgr.ts'
import {eligibilityOf, noLimits} from '../../core/offers/eligibility.ts'
import {isSettled} from '../../core/verdict/verdict-kind.ts'
import type {Answer} from '../answer.ts'
import type {Context} from '../context.ts'
import {type LocalView, localView} from './local-view.ts'
import {readTarget} from './request-target.ts'

/** primgr's words for the local host, and its status codes. */
const states = {Primary: 200, Standby: 202, Down: 503, Unknown: 509} as const
type State = keyof typeof states

const json = (status: number, value: object): Answer => ({
  status,
  body: JSON.stringify(value),
  type: 'application/json',
})

/** An answer of primgr, for the local host. There is no `/master`: a script that deletes PGDATA asks for it. */
export function primgrAnswer(method: string, url: string, context: Context): Answer {
  const view = localView(context)
  if (view === null) return json(503, {State: 'Down'})
  const page = pages[readTarget(url).path]
  if (page === undefined) return json(404, {detail: 'Not Found'})
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return json(405, {detail: 'Method Not Allowed'})
  return page(view)
}

const pages: Readonly<Record<string, (view: LocalView) => Answer>> = Object.assign(Object.create(null), {
  '/state'(view: LocalView) {
    const state = stateOf(view)
    return json(states[state], {State: state})
  },
  '/primary'(view: LocalView) {
    const name = isAway(view) && stateOf(view) === 'Down' ? null : primaryOf(view)
    return name === null ? json(503, {State: 'Down'}) : json(200, {Primary: name})
  },
  '/realPrimary'(view: LocalView) {
    const state = stateOf(view)
    if (state === 'Down' && isAway(view)) return json(503, {State: 'Down'})
    if (state === 'Unknown') return json(503, {State: 'Unknown'})
    const routedTo = view.group?.verdict.routedTo ?? null
    return json(200, {realPrimary: routedTo && nodeName(routedTo, view)})
  },
})

/**
 * Primary: the verdict routes to the host. Unknown: the host is a primary, and the verdict does not
 * route to it, also because it is drained. primgr has no word for a drained standby but Down.
 */
function stateOf({host, snapshot}: LocalView): State {
  if (host === null) return 'Down'
  if (eligibilityOf('primary', snapshot, host, noLimits).ok) return 'Primary'
  if (host.role === 'primary') return 'Unknown'
  return host.role === 'standby' && host.drained === null ? 'Standby' : 'Down'
}

const isAway = ({host}: LocalView): boolean => host === null || host.role === 'unavailable'

/**
 * The primary by name, for the other nodes, which count a vote for it: what the local table of repmgr
 * says, as primgr reads it, else the verdict. An old table, one with two active primaries, and a
 * verdict in doubt name none. So does the word of another instance of a set: its machine votes as well.
 */
function primaryOf(view: LocalView): string | null {
  const {group, repmgr, named, snapshot, at, isOwnView} = view
  if (!isOwnView) return null
  if (repmgr !== null) {
    const [name, ...others] = named !== null && at.now - named.askedAt <= snapshot.maxAgeMs ? named.names : []
    return name !== undefined && others.length === 0 ? name : null
  }
  const verdict = group?.verdict
  return verdict !== undefined && isSettled(verdict) ? nodeName(verdict.primary, view) : null
}

/** primgr folds the names of nodes: REPLACE(LOWER(node_name), '_', '-'). */
const nodeName = (host: string, {repmgr}: LocalView): string =>
  repmgr === null ? foldNode(host) : nodeOfHost(repmgr, host)
