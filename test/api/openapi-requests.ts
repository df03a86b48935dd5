import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type {Random} from '../../src/core/ports.ts'
import {pick} from '../support/seeded-random.ts'
import type {Answered} from './started.ts'

type Fields = Readonly<Record<string, unknown>>
type Parameter = Readonly<{name: string; in: 'path' | 'query' | 'header'; schema: Fields; example?: unknown}>
type Responses = Readonly<Record<string, Readonly<{content: Readonly<Record<string, Readonly<{schema: Fields}>>>}>>>
type Operation = Readonly<{parameters: readonly Parameter[]; requestBody?: Fields; responses: Responses}>
export type Document = Readonly<{
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  components: Readonly<{schemas: Readonly<Record<string, Fields>>}>
}>

export type FuzzedRequest = Readonly<{
  operation: Operation
  /** The operation in the document: its path, and its method in small letters. */
  template: string
  verb: string
  method: string
  path: string
  headers: Readonly<Record<string, string>>
  body: string | undefined
}>

/** What a request may hold beside the words that the document names. */
const oddWords = [
  '',
  '0',
  '-1',
  'null',
  'constructor',
  '__proto__',
  'a b',
  'ä',
  '%00',
  '../..',
  '1e999',
  'x'.repeat(200),
]
const knownWords = ['host1', 'host2', 'host4', 'all', 'host1@10.0.0.1:5432', 'host2@10.9.9.9:1', '5432', '10.0.0.1']
const bodies = ['', '{}', '{', '[]', 'null', '"x"', '{"reason": "test"}', '{"reason": 7}', '{"on": true, "for": "2h"}']

/**
 * Makes requests from the OpenAPI document: right ones, and ones that are wrong in one or more
 * places.
 */
export function requestMaker(document: Document, random: Random): () => FuzzedRequest {
  const operations = Object.entries(document.paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({path, method: method.toUpperCase(), operation})),
  )
  const chance = (share: number) => random() < share
  const wordFor = ({schema, example}: Parameter): string => {
    const words = [schema.enum, (schema.items as Fields | undefined)?.enum].find(Array.isArray) ?? knownWords
    const right = [...words, ...(example === undefined ? [] : [String(example), String(example)])]
    return pick(random, chance(0.75) ? right : oddWords)
  }
  return () => {
    const {path, method, operation} = pick(random, operations)
    const named = (where: Parameter['in']) => operation.parameters.filter((one) => one.in === where)
    const filled = named('path').reduce(
      (made, one) => made.replace(`{${one.name}}`, () => encodeURIComponent(wordFor(one)) || 'x'),
      path,
    )
    const asked = named('query').filter(() => chance(0.4))
    const query = [...asked, ...(chance(0.05) ? asked : [])].map(
      (one) => `${one.name}=${encodeURIComponent(wordFor(one))}`,
    )
    const headers = named('header').flatMap((one) => (chance(0.8) ? [[one.name, headerText(wordFor(one))]] : []))
    return {
      operation,
      template: path,
      verb: method.toLowerCase(),
      // A stream has no end: its head is the answer.
      method:
        path === '/v1/events' ? 'HEAD' : method === 'GET' && chance(0.1) ? pick(random, ['HEAD', 'OPTIONS']) : method,
      path: `${filled}${query.length > 0 ? `?${query.join('&')}` : ''}`,
      headers: Object.fromEntries([
        ...headers,
        ...(method === 'POST' && chance(0.9) ? [['content-type', pick(random, contentTypes)]] : []),
        ...(method === 'POST' && chance(0.8) ? [['authorization', `Bearer ${chance(0.9) ? fuzzToken : 'wrong'}`]] : []),
      ]),
      body: method === 'POST' ? pick(random, bodies) : undefined,
    }
  }
}

export const fuzzToken = 'a-token-of-thirty-two-characters'
const contentTypes = ['application/json', 'application/json', 'application/json; charset=utf-8', 'text/plain', 'x']
/** Node refuses to send other characters. */
const headerText = (value: string): string => value.replace(/[^ -~]/g, '?')

/** Says what an answer has that the document does not tell; `null`: nothing. */
export function answerJudge(
  document: Document,
): (request: Pick<FuzzedRequest, 'operation' | 'method'>, answered: Answered) => string | null {
  const ajv = new Ajv.default({strict: true, allowUnionTypes: true, allErrors: true})
  addFormats.default(ajv)
  for (const [name, schema] of Object.entries(document.components.schemas))
    ajv.addSchema(closed(relocated(schema)) as object, name)
  const compiled = new Map<object, ReturnType<typeof ajv.compile>>()
  return ({operation, method}, {status, body, headers}) => {
    const described = operation.responses[status] ?? operation.responses[`${Math.floor(status / 100)}XX`]
    if (described === undefined) return `status ${status} is not documented`
    const [media = ''] = (headers['content-type'] ?? '').split(';')
    const content = described.content[media]
    if (content === undefined) return `status ${status} with ${media || 'no content type'} is not documented`
    if (method === 'HEAD' || !media.endsWith('json')) return null
    const known = compiled.get(content.schema) ?? ajv.compile(closed(relocated(content.schema)) as object)
    compiled.set(content.schema, known)
    return known(JSON.parse(body)) ? null : `the body of status ${status}: ${ajv.errorsText(known.errors)}`
  }
}

const relocated = (schema: Fields): Fields =>
  JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '')) as Fields

/** The document leaves room for later fields; in this test a field that it does not name is an error. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isWhole = 'properties' in inner && inner.type === 'object' && Array.isArray(inner.required)
  return {
    ...inner,
    ...(isWhole && !('additionalProperties' in inner) && {additionalProperties: false}),
  }
}
