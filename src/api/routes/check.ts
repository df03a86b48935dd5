import type {FastifyRequest} from 'fastify'
import {OperatorError} from '../../core/errors.ts'
import {findServer, serverMismatch} from '../../core/offers/server-lookup.ts'
import type {Snapshot} from '../../core/snapshot.ts'
import {answerCheck, type CheckError, type CheckRole, checkRoles} from '../../protocol/check-answer.ts'
import {json, jsonType} from '../answer.ts'
import {type Context, momentOf} from '../context.ts'
import {lagLimits, queryOf} from '../query.ts'
import {groupParameter, type Route} from '../route.ts'

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
    groupParameter,
  ],
  answers: {200: 'the field "exit" is 0', 503: 'the field "exit" is not 0'},
  type: jsonType,
  handle(request, context) {
    const body = answer(request, context)
    return json(body.exit === 0 ? 200 : 503, body)
  },
}

function answer(request: FastifyRequest, context: Context): ReturnType<typeof answerCheck> {
  try {
    const snapshot = context.source.current()
    return answerCheck({
      snapshot,
      at: momentOf(context),
      host: hostOf(request, snapshot),
      role: roleOf(request, context),
      maxLag: lagLimits(queryOf(request, 'max_lag'), 'max_lag'),
      group: queryOf(request, 'group'),
      via: 'daemon',
    })
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return usageError(error)
  }
}

/** An unknown name is kept, so that the answer can show it. */
function hostOf(request: FastifyRequest, snapshot: Snapshot): string | null {
  const [name, address, port] = [queryOf(request, 'server'), queryOf(request, 'address'), queryOf(request, 'port')]
  if (port !== null && !/^\d{1,5}$/.test(port))
    throw new OperatorError('USAGE', `port=${port.slice(0, 40)} is not a port`, 'Give a number such as "port=5432".')
  const server = {name, address, port: port === null ? null : Number(port)}
  const found = findServer(server, snapshot)
  if (found.kind === 'host') return found.host.host
  if (found.kind === 'mismatch') throw serverMismatch(server, found)
  return name ?? (address === null ? null : `${address}:${port ?? ''}`)
}

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
