import type {PgbouncerSettings} from '../../core/actuator-settings.ts'
import type {Clock} from '../../core/ports.ts'
import {deadline} from '../../core/wait.ts'
import {type ConnectConsole, consoleOver, placeOf} from './console.ts'
import {HeldDatabases} from './held-databases.ts'
import {IncludeFiles} from './include-file.ts'
import {PgbouncerObserver} from './observer.ts'
import {retryProblem, sharedProblem} from './problems.ts'
import {Sessions} from './sessions.ts'

/** What `config check --connect` found at one admin console. `problems`: what the operator should fix. */
export type PgbouncerTrial = Readonly<{pgbouncer: string; problems: readonly string[]}>

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
      return {
        pgbouncer,
        problems: await problemsOf(pgbouncer, settings, connect, clock).catch((error) => [`${error.message}`]),
      }
    }),
  )

async function problemsOf(
  name: string,
  settings: PgbouncerSettings,
  connect: ConnectConsole,
  clock: Clock,
): Promise<readonly string[]> {
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
  return [...(shared === null ? [] : [sharedProblem(shared)]), ...retryProblem(state?.loginRetryS ?? null)]
}

/** One line per PgBouncer, and below it one per problem. */
export const pgbouncerText = (trials: readonly PgbouncerTrial[]): readonly string[] =>
  trials.flatMap(({pgbouncer, problems}) => [
    `${pgbouncer}  ${problems.length === 0 ? 'fine' : 'to be fixed:'}`,
    ...problems.map((problem) => `  ${problem}`),
  ])
