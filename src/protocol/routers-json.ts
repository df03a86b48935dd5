import type {Router, RouterDatabase, RouterServer} from '../core/router.ts'
import type {ActuatorState, Snapshot} from '../core/snapshot.ts'
import {type Moment, timeOf} from './snapshot-json.ts'

/** `GET /v1/routers`. As in the snapshot: snake_case, and unknown is `null`. */
export type WireRouters = Readonly<{
  schema: 1
  epoch: string
  at: string
  /** The actuators are frozen: no router is read, and what is shown grows old. */
  maintenance: boolean
  routers: readonly WireRouter[]
}>

/** `status`, `since`: `null` for an agent, which answers and is told nothing. */
export type WireRouter = Readonly<{
  name: string
  status: ActuatorState['status'] | null
  problems: readonly string[]
  since: string | null
  verified_at: string | null
}> &
  Readonly<
    | {kind: 'haproxy'; read_at: string | null; servers: readonly WireServer[]}
    | {kind: 'pgbouncer'; read_at: string | null; databases: readonly WireDatabase[]}
    | {kind: 'agent'; questions: readonly WireQuestion[]}
    | {kind: 'hook'; waiting: number; lost: number; on: readonly string[] | null}
  >
export type WireServer = RouterServer
export type WireDatabase = Readonly<{
  name: string
  role: RouterDatabase['role']
  group: string | null
  leads_to: Readonly<{host: string; port: number}> | null
  hosts: readonly string[]
  paused: RouterDatabase['paused']
  disabled: boolean
  connections: number | null
}>
export type WireQuestion = Readonly<{client: string; question: string; answer: string; asked_at: string}>

export const routersToWire = (
  routers: readonly Router[],
  {epoch, actuators, maintenance}: Pick<Snapshot, 'epoch' | 'actuators' | 'maintenance'>,
  {wall}: Pick<Moment, 'wall'>,
): WireRouters => ({
  schema: 1,
  epoch,
  at: timeOf(wall),
  maintenance: maintenance !== null,
  routers: routers.map((router) => routerToWire(router, actuators[router.name])),
})

function routerToWire(router: Router, state: ActuatorState | undefined): WireRouter {
  const common = {
    name: router.name,
    status: state?.status ?? null,
    problems: state?.problems ?? [],
    since: state === undefined ? null : timeOf(state.since),
    verified_at: timeOrNull(state?.verifiedAt ?? null),
  }
  switch (router.kind) {
    case 'haproxy':
      return {...common, kind: router.kind, read_at: timeOrNull(router.readAt), servers: router.servers}
    case 'pgbouncer': {
      const databases = router.databases.map(databaseToWire)
      return {...common, kind: router.kind, read_at: timeOrNull(router.readAt), databases}
    }
    case 'agent': {
      const questions = router.questions.map(({askedAt, ...asked}) => ({...asked, asked_at: timeOf(askedAt)}))
      return {...common, kind: router.kind, questions}
    }
    case 'hook':
      return {...common, kind: router.kind, waiting: router.waiting, lost: router.lost, on: router.on}
  }
}

const databaseToWire = ({leadsTo, isDisabled, ...database}: RouterDatabase): WireDatabase => ({
  name: database.name,
  role: database.role,
  group: database.group,
  leads_to: leadsTo,
  hosts: database.hosts,
  paused: database.paused,
  disabled: isDisabled,
  connections: database.connections,
})

const timeOrNull = (wall: number | null): string | null => (wall === null ? null : timeOf(wall))
