import {OperatorError} from '../../core/errors.ts'
import type {PoolRole} from '../../core/offers/pools.ts'
import type {VerdictKind} from '../../core/vocabulary.ts'
import {alternative} from '../reading/alternative.ts'
import {choice, duration, integer, scalar, text} from '../reading/scalar.ts'
import {list, named, section} from '../reading/section.ts'
import {describe, type Read, type Shape} from '../reading/shape.ts'
import {isText} from '../reading/yaml-node.ts'

/** The keys of what is told: HAProxy, PgBouncer, hooks (DESIGN 9). */

const roles = ['primary', 'replica', 'read-only'] as const satisfies readonly PoolRole[]
const verdicts = [
  'primary',
  'no-primary',
  'split-brain',
  'unconfirmed',
  'starting',
] as const satisfies readonly VerdictKind[]

const backends = describe(
  'what the servers of a HAProxy backend are asked for',
  named(choice('primary', roles), () => true),
)

export const haproxyShape = section(
  {
    backends,
    instances: describe(
      'HAProxies that are pushed over their stats socket (level admin)',
      list(
        section(
          {
            socket: describe('path of the unix socket, or host:port', text(null)),
            master_socket: describe(
              "the master process' socket; with it, sessions of old workers are cut too",
              text(null),
            ),
            backends: orAbsent(backends),
          },
          {synonyms: {stats_socket: 'socket', admin_socket: 'socket', path: 'socket'}},
        ),
      ),
    ),
    resync: describe('every target is read and put right so often', duration(1_000, 100)),
  },
  {synonyms: {instance: 'instances', backend: 'backends'}},
)

export const agentShape = section({
  bind: describe('address to listen on', text('127.0.0.1')),
  port: describe("the TCP port of HAProxy's agent-check", integer(8009, 0, 65_535)),
})

const database = section(
  {
    role: choice('primary', roles),
    group: describe('needed with several groups', text(null)),
    dbname: describe('the database on the server; default: the same name', text(null)),
    options: describe('added to the line as it stands: pool_size=20', text(null)),
  },
  {synonyms: {database: 'dbname', db: 'dbname'}},
)
const databaseByRole: Shape<Read<typeof database>> = {
  absent: database.absent,
  schema: {enum: roles},
  read: (node, path, report) => ({...database.absent, role: choice('primary', roles).read(node, path, report)}),
}

export const pgbouncerShape = list(
  section({
    admin: describe(
      'connection string of the admin console: postgres://pgbouncer@127.0.0.1:6432/pgbouncer',
      scalar<string | null>(null, {type: 'string'}, (value) => value),
    ),
    password_file: describe(
      "file with the admin's plain password; default: the connection string's, then .pgpass",
      text(null),
    ),
    include: describe('the file that is ours to write; pgbouncer.ini names it with %include', text(null)),
    databases: describe(
      'the databases that follow the verdict',
      named(alternative(isText, databaseByRole, database), () => true),
    ),
    pause: describe('PAUSE during a switch, for at most so long', orAbsent(duration(null, 10))),
  }),
)

const milliseconds = duration(10_000, 10)

export const hooksShape = list(
  section(
    {
      run: describe('a command and its arguments; JSON comes on its stdin', orAbsent(list(text('')))),
      post: describe('a webhook', scalar<string | null>(null, {type: 'string', format: 'uri'}, webhook)),
      secret_file: describe('file with the secret that webhooks are signed with (HMAC-SHA256)', text(null)),
      on: describe('verdicts that are told; default: all', orAbsent(list(choice('primary', verdicts)))),
      groups: describe('groups that are told of; default: all', orAbsent(list(text('')))),
      timeout: describe('for one try', milliseconds),
      retries: describe('tries after the first one failed', integer(5, 0, 100)),
    },
    {synonyms: {command: 'run', exec: 'run', url: 'post', webhook: 'post', secret: 'secret_file'}},
  ),
)

export type ActuatorFields = Readonly<{
  haproxy: Read<typeof haproxyShape>
  agent: Read<typeof agentShape> | null
  pgbouncer: Read<typeof pgbouncerShape>
  hooks: Read<typeof hooksShape>
}>

/** Never quoted in a message: the path of a webhook often is its secret. */
function webhook(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null
  if (url && /^https?:$/.test(url.protocol)) return value
  throw new OperatorError('CONFIG_VALUE', 'is not a URL', 'Write https://HOST/PATH.')
}

/** "Not said" must differ from "none". */
function orAbsent<T>(shape: Shape<T>): Shape<T | null> {
  return {absent: null, schema: shape.schema, read: shape.read}
}
