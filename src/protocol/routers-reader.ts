import type {Router} from '../core/router.ts'
import type {WireRouter} from './routers-json.ts'

/**
 * The body of `GET /v1/routers`, for display alone: no decision rests on it. A kind of router that a
 * later version may have is left out. Throws SyntaxError on anything else than a document of schema 1.
 */
export function routersFromWire(json: unknown): readonly Router[] {
  const {schema, routers} = Object(json) as Readonly<{schema: unknown; routers: unknown}>
  if (schema !== 1 || !Array.isArray(routers)) throw new SyntaxError('the daemon sent something else than routers')
  return routers.flatMap((router) => routerFrom(Object(router) as WireRouter) ?? [])
}

function routerFrom(wire: WireRouter): Router | null {
  const name = String(wire.name)
  switch (wire.kind) {
    case 'haproxy':
      return {name, kind: wire.kind, readAt: wallOrNull(wire.read_at), servers: listOf(wire.servers)}
    case 'pgbouncer': {
      const databases = listOf(wire.databases).map(({leads_to: leadsTo, disabled: isDisabled, ...database}) => ({
        ...database,
        leadsTo,
        isDisabled,
      }))
      return {name, kind: wire.kind, readAt: wallOrNull(wire.read_at), databases}
    }
    case 'agent': {
      const questions = listOf(wire.questions).map(({asked_at, ...asked}) => ({...asked, askedAt: wallOf(asked_at)}))
      return {name, kind: wire.kind, questions}
    }
    case 'hook':
      return {name, kind: wire.kind, waiting: wire.waiting, lost: wire.lost, on: wire.on as Hook['on']}
    default:
      return null
  }
}

type Hook = Extract<Router, {kind: 'hook'}>

function listOf<T>(list: readonly T[]): readonly T[] {
  if (Array.isArray(list)) return list
  throw new SyntaxError('the daemon sent a router without its list')
}

const wallOrNull = (time: string | null): number | null => (time === null ? null : wallOf(time))

function wallOf(time: string): number {
  const wall = Date.parse(time)
  if (Number.isNaN(wall)) throw new SyntaxError(`${JSON.stringify(time)} is not a time`)
  return wall
}
