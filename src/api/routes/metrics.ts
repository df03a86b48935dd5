import type {Route} from '../route.ts'
import {text} from '../schema.ts'

export const metricsRoute: Route = {
  method: 'GET',
  path: '/metrics',
  summary: 'Metrics for Prometheus.',
  parameters: [],
  answers: {200: 'the metrics in the text exposition format'},
  type: 'text/plain',
  body: text,
  async handle(_, {source, clock, metrics}) {
    const body = await metrics.render(source.current(), {now: clock.now(), wall: clock.wall()})
    return {status: 200, body, type: 'text/plain; version=0.0.4; charset=utf-8'}
  },
}
