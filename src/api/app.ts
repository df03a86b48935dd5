import {createServer, type RequestListener} from 'node:http'
import fastify, {type FastifyReply} from 'fastify'
import {OperatorError} from '../core/errors.ts'
import {type Answer, problem} from './answer.ts'
import type {Context} from './context.ts'
import {respond, unroutedAnswerFor} from './not-found.ts'
import type {Route} from './route.ts'

const bodyLimit = 16 * 1024
/** Characters. Host names have at most 63, and no other part of a path is longer. */
const maxParamLength = 128

/** One handler for all routes, shared by the listeners; fastify itself never listens. */
export async function buildApp(routes: readonly Route[], context: Context): Promise<RequestListener> {
  const misdirected = unroutedAnswerFor(routes)
  const plainly = new Map(routes.flatMap(({path, plain}) => (plain ? [[path, plain] as const] : [])))
  const app = fastify({
    bodyLimit,
    exposeHeadRoutes: true,
    genReqId: () => '',
    routerOptions: {maxParamLength},
    return503OnClosing: false,
    serverFactory: (handler) => createServer(handler),
    frameworkErrors: (error, _request, reply) => void send(reply, problemOf(error, context)),
  })
  // Without this parser every content type but JSON gets the same 415.
  app.removeContentTypeParser('text/plain')
  // An order needs no body, so JSON of no length is valid.
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', {parseAs: 'string'}, (request, body, done) =>
    body.length === 0 ? done(null) : parse(request, body.toString(), done),
  )
  app.setErrorHandler((error: Error, _request, reply) => send(reply, problemOf(error, context)))
  app.setNotFoundHandler(({method, url}, reply) => send(reply, misdirected(method, url) ?? unmatched))
  for (const {method, path, handle} of routes) {
    const methods = method === 'GET' ? ['GET', 'OPTIONS'] : [method]
    app.route({
      method: methods,
      url: path,
      handler(request, reply) {
        const answer = handle(request, context, reply)
        if (answer instanceof Promise) return answer.then((late) => send(reply, late))
        return answer === null ? undefined : send(reply, answer)
      },
    })
  }
  await app.ready()
  return (request, response) => {
    // So that clients reconnect, and reach the daemon that listens next.
    if (context.isStopping) response.shouldKeepAlive = false
    const {method = '', url = ''} = request
    const plain = method === 'GET' ? plainly.get(url) : undefined
    if (plain) return respond(response, answerTo(plain, context))
    // Fastify would read the body first, and answer with an error about the body.
    const refusal = method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? null : misdirected(method, url)
    if (refusal === null) app.routing(request, response)
    else respond(response, refusal)
  }
}

function answerTo(plain: (context: Context) => Answer, context: Context): Answer {
  try {
    return plain(context)
  } catch (error) {
    return problemOf(error as Error, context)
  }
}

/** For paths that only fastify takes for another one (`//`, `%2F`). */
const unmatched = problem(404, {
  code: 'NOT_FOUND',
  detail: 'this path does not exist',
  next: 'GET /openapi.json lists all paths.',
})

function send(reply: FastifyReply, {status, body, type, headers}: Answer): FastifyReply {
  // No cache may keep which host accepts writes now.
  reply.code(status).header('content-type', type).header('cache-control', 'no-store')
  if (headers) reply.headers(headers)
  return reply.send(body)
}

/** The answer to an error. It reveals no stack, file or package of the daemon. */
function problemOf(error: Error & {statusCode?: number; code?: string}, {log}: Context): Answer {
  if (error instanceof OperatorError) {
    const {code, message, next} = error
    return problem(code === 'NOT_MY_HOSTS' ? 421 : 400, {code, detail: message, next})
  }
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) {
    const next =
      status === 413
        ? `Send at most ${bodyLimit} bytes.`
        : status === 415
          ? 'Send JSON.'
          : 'GET /openapi.json describes valid requests.'
    return problem(status, {code: 'BAD_REQUEST', detail: 'the request is malformed', next})
  }
  log.error({error: error.stack ?? String(error)}, 'bug: a request could not be answered')
  return problem(500, {
    code: 'BUG',
    detail: 'pgroute66 has a bug: an unexpected error',
    next: 'Report the bug with the log of the daemon from this moment.',
  })
}
