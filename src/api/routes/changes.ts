import {keptChanges} from '../../core/changes.ts'
import {pastToWire} from '../../protocol/change-json.ts'
import {json, jsonType} from '../answer.ts'
import type {Route} from '../route.ts'
import {listOf, named, record} from '../schema.ts'

/**
 * What `/v1/events` has sent, for clients that connect later. With a state_dir it survives restarts.
 */
export const changesRoute: Route = {
  method: 'GET',
  path: '/v1/changes',
  summary: `The last ${keptChanges} changes, oldest first, those of earlier runs included.`,
  parameters: [],
  answers: {200: 'the changes'},
  type: jsonType,
  body: record<Readonly<{changes: unknown}>>({changes: listOf(named('Change'))}),
  handle: (_, {pastChanges}) => json(200, {changes: pastChanges().map(pastToWire)}, {'cache-control': 'no-store'}),
}
