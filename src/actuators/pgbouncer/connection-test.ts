import type {PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import {deadline} from '../../core/wait.ts'
import {type Asks, type ConnectConsole, consoleOver, placeOf} from './console.ts'
import {HeldDatabases} from './held-databases.ts'
import {IncludeFiles} from './include-file.ts'
import {PgbouncerObserver} from './observer.ts'
import {retryProblem, sharedProblem} from './problems.ts'
import {Sessions} from './sessions.ts'

/**
 * What `config check --connect` found at one admin console. `version: null`: the console did not answer.
 * `problems`: what the operator should fix.
 */
export type PgbouncerTrial = Readonly<{pgbouncer: string; version: string | null; problems: readonly string[]}>

/** New sessions: each one may reach another process behind the address. */
const sessions = 5
/** For one PgBouncer. */
const limitMs = 5_000

/**
 * Tries all PgBouncers at the same time, and changes none. Resolves in the order of the
 * configuration, and never rejects.
 */
export const tryPgbouncers = (
  pgbouncers: readonly PgbouncerSettings[],
  connect: ConnectConsole,
  clock: Clock,
): Promise<readonly PgbouncerTrial[]> =>
  Promise.all(
    pgbouncers.map(async (settings) => {
      const pgbouncer = `pgbouncer ${placeOf(settings.admin)}`
      const tried = await tryOne(pgbouncer, settings, connect, clock).catch((error) => ({
        version: null,
        problems: [`${error.message}`],
      }))
      return {pgbouncer, ...tried}
    }),
  )

async function tryOne(
  name: string,
  settings: PgbouncerSettings,
  connect: ConnectConsole,
  clock: Clock,
): Promise<Omit<PgbouncerTrial, 'pgbouncer'>> {
  using limit = deadline(clock, limitMs)
  using console = new Sessions((signal) => consoleOver(connect)(settings.admin, signal), clock)
  const file = new IncludeFiles().at(settings.include)
  const observer = new PgbouncerObserver({
    name,
    settings,
    file,
    held: new HeldDatabases(),
    clock,
    isFirst: false,
    left: async () => [],
  })
  let observed = null
  for (let session = 0; session < sessions; session += 1) {
    await console.begin(limit.signal)
    observed = await observer.observe(console, [])
  }
  const {state = null, shared = null} = observed ?? {}
  const rights = await rightsProblem(console, settings.admin.user)
  const problems = [
    ...rights,
    ...(shared === null ? [] : [sharedProblem(shared)]),
    ...retryProblem(state?.loginRetryS ?? null),
  ]
  const version = state === null ? null : (state.version?.join('.') ?? 'of an unknown version')
  return {version, problems}
}

/** PgBouncer has no parameter of this name, so that nothing changes: it looks at the user's rights first. */
const harmless = "SET pgroute66_none = '1'"

/** A user of stats_users reads everything, and changes nothing. */
async function rightsProblem(console: Asks, user: string): Promise<readonly string[]> {
  const refusal = await console.ask(harmless).then(
    () => '',
    (error: unknown) => String(error),
  )
  return /admin access needed/.test(refusal)
    ? [`user "${user}" may read, and not RELOAD or PAUSE: add it to admin_users in pgbouncer.ini`]
    : []
}

/** One line per PgBouncer, and below it one per problem. */
export const pgbouncerText = (trials: readonly PgbouncerTrial[]): readonly string[] =>
  trials.flatMap(({pgbouncer, version, problems}) => [
    `${pgbouncer}  ${version === null ? '' : `PgBouncer ${version}, `}${problems.length > 0 ? 'to be fixed:' : 'fine'}`,
    ...problems.map((problem) => `  ${problem}`),
  ])
