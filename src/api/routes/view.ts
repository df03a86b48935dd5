import {OperatorError} from '../../core/errors.ts'
import {viewToWire} from '../../protocol/view-json.ts'
import {json, jsonType} from '../answer.ts'
import {momentOf} from '../context.ts'
import {queryOf} from '../query.ts'
import {groupParameter, type Route} from '../route.ts'
import {named} from '../schema.ts'
import {notFound} from './snapshot.ts'

/** What a peer asks. The verdict is not in it: daemons that confirm each other's verdicts prove nothing. */
export const viewRoute: Route = {
  method: 'GET',
  path: '/v1/view',
  summary: "What this daemon sees of a group by its own SQL, with ages: no verdict, and no other system's word.",
  parameters: [{...groupParameter, description: 'the group; may be left out while there is one'}],
  answers: {200: 'the hosts of the group', 400: 'there are several groups, and none is named', 404: 'no such group'},
  type: jsonType,
  body: named('View'),
  handle(request, context) {
    // Of a set, what this instance saw itself: another instance has a voice of its own.
    const names = Object.keys(context.source.current().groups)
    const snapshot = (context.shared?.own ?? context.source).current()
    const [only] = names
    const group = queryOf(request, 'group') ?? (names.length === 1 ? only : undefined)
    if (group === undefined) {
      const next = `Add ?group= with one of ${names.slice(0, 10).join(', ')}.`
      throw new OperatorError('USAGE', 'there are several groups, and the request names none', next)
    }
    const view = viewToWire(snapshot, group, {machineId: context.machineId, at: momentOf(context)})
    return view ? json(200, view, {'cache-control': 'no-store'}) : notFound('group', group, names)
  },
}
