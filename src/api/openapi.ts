import type {Parameter, Route} from './route.ts'

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
    paths,
    components: {
      schemas: {Problem: problemSchema},
      securitySchemes: {token: {type: 'http', scheme: 'bearer'}, certificate: {type: 'mutualTLS'}},
    },
  }
}

const operation = ({method, path, summary, parameters, answers, type}: Route) => ({
  operationId: method.toLowerCase() + path.replace(/[^A-Za-z0-9]+(.|$)/g, (_, letter: string) => letter.toUpperCase()),
  summary,
  parameters: parameters.map(parameter),
  ...(method === 'POST' && {
    security: [{token: []}, {certificate: []}],
    requestBody: {
      required: false,
      content: {'application/json': {schema: {type: 'object', properties: {reason: {type: 'string', maxLength: 500}}}}},
    },
  }),
  responses: {
    ...Object.fromEntries(
      Object.entries(answers).map(([status, description]) => [
        status,
        {description, content: {[type.split(';')[0] ?? type]: {}}},
      ]),
    ),
    default: {
      description: 'an error',
      content: {'application/problem+json': {schema: {$ref: '#/components/schemas/Problem'}}},
    },
  },
})

const parameter = ({name, in: where, description, required = false, values, example}: Parameter) => ({
  name,
  in: where,
  description,
  required,
  schema: {type: 'string', ...(values && {enum: values})},
  ...(example !== undefined && {example}),
})

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'next'],
  properties: {
    type: {const: 'about:blank'},
    title: {type: 'string'},
    status: {type: 'integer'},
    detail: {type: 'string'},
    code: {type: 'string'},
    next: {type: 'string'},
  },
}
