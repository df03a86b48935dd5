import type {ServerResponse} from 'node:http'
import {type Answer, problem} from './answer.ts'
import type {Route} from './route.ts'

/**
 * The answer to a request that no route takes: 405 with the allowed methods where the path exists,
 * else 404. `null`: a route takes the request.
 */
export function unroutedAnswerFor(routes: readonly Route[]): (method: string, url: string) => Answer | null {
  const known = routes.map(({method, path}) => {
    const pattern = path.replaceAll('.', '\\.').replace(/:[a-z]+/g, '[^/]+')
    return {methods: method === 'GET' ? ['GET', 'HEAD', 'OPTIONS'] : [method], pattern: new RegExp(`^${pattern}$`)}
  })
  return (method, url) => {
    const [path = ''] = url.split('?', 1)
    const allowed = known.filter(({pattern}) => pattern.test(path)).flatMap(({methods}) => methods)
    if (allowed.includes(method)) return null
    if (allowed.length === 0) {
      return problem(404, {
        code: 'NOT_FOUND',
        detail: 'this path does not exist',
        next: 'GET /openapi.json lists all paths.',
      })
    }
    const allow = allowed.join(', ')
    return problem(
      405,
      {code: 'METHOD_NOT_ALLOWED', detail: `this path does not accept ${method}`, next: `Use ${allow}.`},
      {allow},
    )
  }
}

/**
 * Writes an answer without fastify: for paths that clients poll all the time, and for requests that
 * are refused with their body unread.
 */
export function respond(response: ServerResponse, {status, body, type, headers}: Answer): void {
  response.writeHead(status, {
    'cache-control': 'no-store',
    ...headers,
    'content-type': type,
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
