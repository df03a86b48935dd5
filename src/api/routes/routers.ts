import {routersToWire} from '../../protocol/routers-json.ts'
import {json, jsonType} from '../answer.ts'
import {momentOf} from '../context.ts'
import type {Route} from '../route.ts'
import {routersSchema} from './routers-schema.ts'

/** What the actuators saw of their routers at their last pass. No request asks a router. */
export const routersRoute: Route = {
  method: 'GET',
  path: '/v1/routers',
  summary:
    'Each router as the daemon last saw it: servers of HAProxy with state and sessions, where databases of ' +
    'PgBouncer lead, the last questions of agent-check, and events that wait for a hook.',
  parameters: [],
  answers: {200: 'the routers'},
  type: jsonType,
  body: routersSchema,
  handle: (_, context) => {
    const {source, routers} = context
    return json(200, routersToWire(routers(), source.current(), momentOf(context)), {'cache-control': 'no-store'})
  },
}
