import {unknownName} from '../../core/unknown-name.ts'
import {groupToWire, hostToWire, toWire} from '../../protocol/snapshot-json.ts'
import {type Answer, json, jsonType, problem} from '../answer.ts'
import {momentOf} from '../context.ts'
import {hostParameter, paramOf, type Route} from '../route.ts'
import {byName, named} from '../schema.ts'

/** The snapshot or a part of it. Serialised for each request, because it contains ages. */
export const snapshotRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/snapshot',
    summary: 'The whole state at this moment.',
    parameters: [],
    answers: {200: 'the snapshot'},
    type: jsonType,
    body: named('Snapshot'),
    handle: (_, context) => json(200, toWire(context.source.current(), momentOf(context)), uncached),
  },
  {
    method: 'GET',
    path: '/v1/hosts',
    summary: 'All hosts, by name.',
    parameters: [],
    answers: {200: 'the field "hosts" of the snapshot'},
    type: jsonType,
    body: byName(named('Host')),
    handle: (_, context) => json(200, toWire(context.source.current(), momentOf(context)).hosts, uncached),
  },
  {
    method: 'GET',
    path: '/v1/hosts/:host',
    summary: 'One host.',
    parameters: [hostParameter],
    answers: {200: 'the host', 404: 'no such host'},
    type: jsonType,
    body: named('Host'),
    handle(request, context) {
      const name = paramOf(request, 'host')
      const {hosts} = context.source.current()
      const host = Object.hasOwn(hosts, name) ? hosts[name] : undefined
      return host
        ? json(200, hostToWire(host, momentOf(context)), uncached)
        : notFound('host', name, Object.keys(hosts))
    },
  },
  {
    method: 'GET',
    path: '/v1/groups/:group',
    summary: 'One group: its verdict and the evidence.',
    parameters: [{name: 'group', in: 'path', description: 'name of a group', required: true}],
    answers: {200: 'the group', 404: 'no such group'},
    type: jsonType,
    body: named('Group'),
    handle(request, context) {
      const name = paramOf(request, 'group')
      const {groups} = context.source.current()
      const group = Object.hasOwn(groups, name) ? groups[name] : undefined
      return group
        ? json(200, groupToWire(group, momentOf(context)), uncached)
        : notFound('group', name, Object.keys(groups))
    },
  },
]

const uncached = {'cache-control': 'no-store'}

export function notFound(kind: 'host' | 'group', name: string, known: readonly string[]): Answer {
  const {code, message, next} = unknownName(kind, name, known)
  return problem(404, {code, detail: message, next})
}
