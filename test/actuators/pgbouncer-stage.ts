import {beforeAll, onTestFinished} from 'vitest'
import {pgbouncerActuator} from '../../src/actuators/pgbouncer/actuator.ts'
import {consoleOver, type OpenConsole} from '../../src/actuators/pgbouncer/console.ts'
import {IncludeFiles} from '../../src/actuators/pgbouncer/include-file.ts'
import type {PgbouncerDatabase, PgbouncerSettings} from '../../src/core/actuator-settings.ts'
import type {Clock} from '../../src/core/ports.ts'
import type {Snapshot} from '../../src/core/snapshot.ts'
import {connectionOpener} from '../../src/sources/pg/connection.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type Cluster, startTestCluster} from '../support/cluster.ts'
import {type Pgbouncer, type PgbouncerOptions, startPgbouncer} from '../support/pgbouncer.ts'
import {type HostDraft, primary, snapshot, standby, unavailable} from '../support/snapshots.ts'

export const pgbouncerConsole = (clock: Clock) => consoleOver(connectionOpener(clock))

export const app: PgbouncerDatabase = {role: 'primary', group: null, dbname: 'postgres', options: null}
export const options = {
  dryRun: false,
  isOutdated: () => false,
  get signal() {
    return AbortSignal.timeout(60_000)
  },
}
/** Where a database leads when there is no primary. */
export const nowhere = '/pgroute66/nowhere:1'
export const whereIs = 'select inet_server_port() as port'

/** Two PostgreSQL servers, host1 and host2, for all tests of a block, and snapshots of them. */
export function pgbouncerStage() {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startTestCluster({nodes: 2})
    return () => cluster[Symbol.asyncDispose]()
  })
  const node = (host: string) => cluster.node(host)
  const port = (host: string) => node(host).port
  const see = (
    hosts: Readonly<Record<string, HostDraft>>,
    special: Partial<Parameters<typeof snapshot>[0]> = {},
  ): Snapshot =>
    snapshot({
      hosts: Object.fromEntries(
        Object.entries(hosts).map(([host, draft]) => [host, {address: '127.0.0.1', ...draft, port: port(host)}]),
      ),
      ...special,
    })
  const led = (by: 'host1' | 'host2') =>
    see({host1: by === 'host1' ? primary() : standby(by), host2: by === 'host2' ? primary() : standby(by)})
  const noPrimary = () => see({host1: unavailable('refused'), host2: standby('host1')})
  const at = (host: string) => `127.0.0.1:${port(host)}`
  return {node, port, see, led, noPrimary, at}
}

/** A PgBouncer that stops when the test ends. */
export async function pgbouncer(given: PgbouncerOptions = {}): Promise<Pgbouncer> {
  const started = await startPgbouncer(given)
  onTestFinished(() => started[Symbol.asyncDispose]())
  return started
}

type Special = Partial<PgbouncerSettings> & {
  /** `lateMs`: milliseconds that the actuator's clock is ahead of the real one. */
  time?: {lateMs: number}
  open?: OpenConsole
  isFirst?: boolean
  files?: IncludeFiles
  stateDir?: string | null
}
/** A pause may last a minute, so that a busy machine does not reach the limit. */
export function actuatorFor(
  running: Pick<Pgbouncer, 'admin' | 'include'>,
  {time = {lateMs: 0}, open, isFirst = true, files = new IncludeFiles(), stateDir = null, ...special}: Special = {},
) {
  const clock = {...systemClock, now: () => systemClock.now() + time.lateMs}
  const {admin, include} = running
  const settings = {admin, include, databases: {app}, pauseMs: 60_000, ...special}
  return pgbouncerActuator(settings, {
    openConsole: open ?? pgbouncerConsole(clock),
    fallback: () => 'primary',
    clock,
    files,
    isFirst,
    stateDir,
  })
}

/** An application's connection that closes when the test ends. */
export async function client(running: Pgbouncer, database = 'app') {
  const connected = await running.connect(database)
  onTestFinished(() => connected.end())
  return connected
}
