import type {WireDatabase, WireQuestion, WireRouter, WireRouters, WireServer} from '../../protocol/routers-json.ts'
import {constant, count, either, listOf, oneOf, orNull, record, text, time, yesOrNo} from '../schema.ts'

const role = oneOf(['primary', 'replica', 'read-only'])

const server = record<WireServer>({
  backend: text,
  role,
  server: text,
  host: orNull(text),
  address: orNull(text),
  port: count,
  state: oneOf(['up', 'starting', 'drain', 'stopping', 'maint', 'down']),
  sessions: count,
})

const database = record<WireDatabase>({
  name: text,
  role,
  group: orNull(text),
  leads_to: orNull(record<NonNullable<WireDatabase['leads_to']>>({host: text, port: count})),
  hosts: listOf(text),
  paused: orNull(record<NonNullable<WireDatabase['paused']>>({by: oneOf(['pgroute66', 'another'])})),
  disabled: yesOrNo,
  connections: orNull(count),
})

const question = record<WireQuestion>({client: text, question: text, answer: text, asked_at: time})

const common = {
  name: text,
  status: orNull(oneOf(['pending', 'in-sync', 'out-of-sync', 'planned', 'frozen'])),
  problems: listOf(text),
  since: orNull(time),
  verified_at: orNull(time),
}

type Of<Kind> = Extract<WireRouter, {kind: Kind}>

const router = either(
  record<Of<'haproxy'>>({...common, kind: constant('haproxy'), read_at: orNull(time), servers: listOf(server)}),
  record<Of<'pgbouncer'>>({...common, kind: constant('pgbouncer'), read_at: orNull(time), databases: listOf(database)}),
  record<Of<'agent'>>({...common, kind: constant('agent'), questions: listOf(question)}),
  record<Of<'hook'>>({...common, kind: constant('hook'), waiting: count, lost: count, on: orNull(listOf(text))}),
)

/** JSON Schema of `GET /v1/routers`. */
export const routersSchema = record<WireRouters>({
  schema: constant(1),
  epoch: text,
  at: time,
  maintenance: yesOrNo,
  routers: listOf(router),
})
