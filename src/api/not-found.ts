import type {ServerResponse} from 'node:http'
import {type Answer, problem} from './answer.ts'
import type {Route} from './route.ts'

/**
 * What a request gets that is for no route: 405 and which methods there are where the path is
 * known, else 404. `null`: it is for one.
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
        detail: 'there is nothing at this path',
        next: '/openapi.json lists what there is.',
      })
    }
    const allow = allowed.join(', ')
    return problem(
      405,
      {code: 'METHOD_NOT_ALLOWED', detail: `${method} is not for this path`, next: `Use ${allow}.`},
      {allow},
    )
  }
}

/**
 * Without a framework between: for what is asked all the time, and for requests that are refused
 * before they are looked at, body unread.
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
