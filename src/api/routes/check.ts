import type {FastifyRequest} from 'fastify'
import {OperatorError} from '../../core/errors.ts'
import {assertMine} from '../../core/offers/recognition.ts'
import {findServer, serverMismatch} from '../../core/offers/server-lookup.ts'
import type {ServerName} from '../../core/offers/server-name.ts'
import {answerCheck, type CheckError, type CheckRole, checkRoles} from '../../protocol/check-answer.ts'
import {type Answer, json, jsonType} from '../answer.ts'
import {type Context, momentOf} from '../context.ts'
import {lagLimits, meantHosts, queryOf} from '../query.ts'
import {groupParameter, meantParameter, type Route} from '../route.ts'
import {either, named} from '../schema.ts'

/** What the command `check` prints: the command asks the daemon first, and prints its answer. */
export const checkRoute: Route = {
  method: 'GET',
  path: '/v1/check',
  summary: 'What the command "check" prints.',
  parameters: [
    {
      name: 'server',
      in: 'query',
      description: 'a host, or the name of its server in HAProxy; default: the whole group',
    },
    {
      name: 'address',
      in: 'query',
      description: 'the address of the server, for a name that the configuration does not have',
    },
    {name: 'port', in: 'query', description: 'the port of the server'},
    {
      name: 'proxy',
      in: 'query',
      description: 'the proxy of HAProxy; haproxy.backends maps it to a role',
    },
    {
      name: 'role',
      in: 'query',
      description: 'the wanted role; default: the role of the proxy, else primary',
      values: checkRoles,
    },
    {name: 'max_lag', in: 'query', description: 'the largest lag of a standby', example: '16MB'},
    meantParameter,
    groupParameter,
  ],
  answers: {
    200: 'the field "exit" is 0',
    421: 'the daemon does not watch a host of "host="',
    503: 'the field "exit" is not 0',
  },
  type: jsonType,
  body: named('CheckAnswer'),
  bodies: {503: either(named('CheckAnswer'), named('CheckError'))},
  handle(request, context) {
    try {
      return answer(request, context)
    } catch (error) {
      if (!(error instanceof OperatorError) || error.code === 'NOT_MY_HOSTS') throw error
      return bodyOf(usageError(error), false)
    }
  },
}

function answer(request: FastifyRequest, context: Context): Answer {
  const snapshot = context.source.current()
  const server = serverOf(request)
  const found = findServer(server, snapshot)
  if (found.kind === 'mismatch') throw serverMismatch(server, found)
  const meant = meantHosts(request)
  assertMine(meant, server, snapshot)
  if (found.kind === 'host' && !found.isAddressKnown) context.unknownAddresses.note(server, found.host.host)
  const body = answerCheck({
    snapshot,
    at: momentOf(context),
    host: found.kind === 'host' ? found.host.host : textOf(server),
    role: roleOf(request, context),
    maxLag: lagLimits(queryOf(request, 'max_lag'), 'max_lag'),
    group: queryOf(request, 'group'),
    via: 'daemon',
    reason: null,
  })
  return bodyOf(body, meant.length > 0)
}

/** `recognised`: the daemon has compared its hosts with those that are meant. */
const bodyOf = (body: ReturnType<typeof answerCheck>, recognised: boolean): Answer =>
  json(body.exit === 0 ? 200 : 503, {...body, recognised})

function serverOf(request: FastifyRequest): ServerName {
  const [name, address, port] = [queryOf(request, 'server'), queryOf(request, 'address'), queryOf(request, 'port')]
  if (port !== null && !/^\d{1,5}$/.test(port))
    throw new OperatorError('USAGE', `port=${port.slice(0, 40)} is not a port`, 'Give a number such as "port=5432".')
  return {name, address, port: port === null ? null : Number(port)}
}

/** An unknown name is kept, so that the answer can show it. */
const textOf = ({name, address, port}: ServerName): string | null =>
  name ?? (address === null ? null : `${address}:${port ?? ''}`)

function roleOf(request: FastifyRequest, {config}: Context): CheckRole {
  const [asked, proxy] = [queryOf(request, 'role'), queryOf(request, 'proxy')]
  const meant =
    proxy !== null && Object.hasOwn(config.haproxy.backends, proxy) ? config.haproxy.backends[proxy] : undefined
  const role = asked ?? (meant === 'replica' ? 'standby' : meant) ?? 'primary'
  const known = checkRoles.find((one) => one === role)
  if (known) return known
  throw new OperatorError(
    'USAGE',
    `there is no role ${JSON.stringify(role.slice(0, 40))}`,
    `Roles: ${checkRoles.join(', ')}.`,
  )
}

const usageError = ({code, message, next}: OperatorError): CheckError => ({
  exit: 2,
  ok: false,
  error: {code, message, next},
})
