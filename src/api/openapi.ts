import {components} from './components.ts'
import type {Parameter, Route} from './route.ts'
import {named} from './schema.ts'

/** The OpenAPI document (specification 3.1.1), made from the descriptions in the routes. */
export function openApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:([a-z]+)/g, '{$1}')
    paths[path] = {...paths[path], [route.method.toLowerCase()]: operation(route)}
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'pgroute66',
      version,
      description:
        'Tells which PostgreSQL host accepts writes and which hosts may be read from. ' +
        'HEAD and OPTIONS answer like GET. Errors are application/problem+json. ' +
        'The ports of local_api have the paths of Patroni and primgr instead; docs/local-api.md lists them.',
      license: {name: 'MIT', identifier: 'MIT'},
    },
    servers: [{url: '/', description: 'the daemon that serves this document, on bind:port or its unix sockets'}],
    // Reading needs no right. Each order names what it needs.
    security: [],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        token: {type: 'http', scheme: 'bearer', description: 'a token of tokens_file, over TLS or from this machine'},
        certificate: {type: 'mutualTLS', description: 'a client certificate that ssl.client_ca has signed'},
      },
    },
  }
}

const operation = (route: Route) => ({
  operationId:
    route.method.toLowerCase() + route.path.replace(/[^A-Za-z0-9]+(.|$)/g, (_, letter: string) => letter.toUpperCase()),
  summary: route.summary,
  parameters: route.parameters.map(parameter),
  ...(route.method === 'POST' && {security: [{token: []}, {certificate: []}]}),
  ...(route.request && {
    requestBody: {required: route.request.required, content: {'application/json': {schema: route.request.body}}},
  }),
  responses: {
    ...Object.fromEntries(Object.keys(route.answers).map((status) => [status, responseOf(route, Number(status))])),
    // Whatever is wrong with the request itself, and a bug.
    '4XX': {description: 'the request cannot be answered', content: problemContent},
    '5XX': {description: 'the daemon cannot answer', content: problemContent},
  },
})

function responseOf({answers, bodies = {}, problems = [], body, type}: Route, status: number): object {
  const schema = bodies[status] ?? (status < 400 ? body : undefined)
  const isProblem = schema === undefined || problems.includes(status)
  const [media = type] = type.split(';')
  return {
    description: answers[status],
    content: {...(schema && {[media]: {schema}}), ...(isProblem && problemContent)},
  }
}

const problemContent = {'application/problem+json': {schema: named('Problem')}}

function parameter({name, in: where, description, required = false, values, isRepeated, example}: Parameter): object {
  const one = {type: 'string', ...(values && {enum: values})}
  return {
    name,
    in: where,
    description,
    required,
    schema: isRepeated ? {type: 'array', items: one} : one,
    ...(example !== undefined && {example: isRepeated ? [example] : example}),
  }
}
