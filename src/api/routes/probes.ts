import {type Answer, json, jsonType} from '../answer.ts'
import type {Route} from '../route.ts'

const alive: Answer = json(200, {alive: true})

/** For whatever watches over this process. */
export const probeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/livez',
    summary: 'The process answers.',
    parameters: [],
    answers: {200: 'always'},
    type: jsonType,
    handle: () => alive,
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'The first full round is done, and no stop has begun.',
    parameters: [],
    answers: {200: 'ready', 503: 'not yet, or no longer'},
    type: jsonType,
    handle(_, {isStopping, source}) {
      const state = isStopping ? 'stopping' : source.current().ready ? 'ready' : 'starting'
      return json(state === 'ready' ? 200 : 503, {ready: state === 'ready', state})
    },
  },
]
