import {type Answer, json, jsonType} from '../answer.ts'
import type {Route} from '../route.ts'
import {constant, oneOf, record, yesOrNo} from '../schema.ts'

const alive: Answer = json(200, {alive: true})

const readiness = record<Readonly<{ready: boolean; state: string}>>({
  ready: yesOrNo,
  state: oneOf(['ready', 'starting', 'stopping']),
})

/** For a supervisor of this process, such as Kubernetes. */
export const probeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/livez',
    summary: 'Whether the process answers.',
    parameters: [],
    answers: {200: 'always'},
    type: jsonType,
    body: record<Readonly<{alive: true}>>({alive: constant(true)}),
    handle: () => alive,
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether every host was probed once and no stop has begun.',
    parameters: [],
    answers: {200: 'ready', 503: 'starting or stopping'},
    type: jsonType,
    body: readiness,
    bodies: {503: readiness},
    handle(_, {isStopping, source}) {
      const state = isStopping ? 'stopping' : source.current().ready ? 'ready' : 'starting'
      return json(state === 'ready' ? 200 : 503, {ready: state === 'ready', state})
    },
  },
]
