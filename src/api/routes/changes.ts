import {keptChanges} from '../../core/changes.ts'
import {pastToWire} from '../../protocol/change-json.ts'
import {json, jsonType} from '../answer.ts'
import type {Route} from '../route.ts'

/**
 * What `/v1/events` told, for whoever comes later: over restarts too where there is a state_dir.
 */
export const changesRoute: Route = {
  method: 'GET',
  path: '/v1/changes',
  summary: `The last ${keptChanges} changes, oldest first, those of earlier runs included.`,
  parameters: [],
  answers: {200: 'the changes'},
  type: jsonType,
  handle: (_, {pastChanges: past}) => json(200, {changes: past().map(pastToWire)}, {'cache-control': 'no-store'}),
}
