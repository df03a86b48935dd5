import type {WireInstance, WireSet} from '../../protocol/set-json.ts'
import {json, jsonType, problem} from '../answer.ts'
import type {Route} from '../route.ts'
import {byName, count, listOf, orNull, record, text, yesOrNo} from '../schema.ts'

export const notShared = problem(404, {
  code: 'NOT_SHARED',
  detail: 'this daemon is in no set of instances',
  next: 'Ask an instance whose configuration has "cluster".',
})

const instance = record<WireInstance>({
  id: text,
  url: text,
  version: text,
  config_hash: text,
  leaving: yesOrNo,
  groups: count,
  heard: orNull(yesOrNo),
})

const set = record<WireSet>({
  set: text,
  id: text,
  config_hash: text,
  adopted: orNull(text),
  registry: record<WireSet['registry']>({
    lost: orNull(text),
    lease_valid: yesOrNo,
    size_bytes: orNull(count),
    quota_bytes: orNull(count),
  }),
  warnings: listOf(text),
  instances: listOf(instance),
  groups: byName(record<WireSet['groups'][string]>({owner: orNull(text), epoch: count, config_hash: orNull(text)})),
})

/** The instances that share the groups, as this one sees them. */
export const instanceRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/instances',
    summary: 'The set of instances that share the groups: who is alive, who owns what, and the state of its etcd.',
    parameters: [],
    answers: {200: 'the set, as this instance sees it', 404: 'this daemon is in no set'},
    type: jsonType,
    body: set,
    handle: (_, {shared}) =>
      shared === null ? notShared : json(200, shared.describe(), {'cache-control': 'no-store'}),
  },
]
