import type pg from 'pg'
import {formatDuration, parseDuration} from '../core/duration.ts'
import {OperatorError} from '../core/errors.ts'
import {lagAdvice, parseLag} from '../core/limits.ts'
import {type Limits, noLimits} from '../core/offers/eligibility.ts'
import type {ReadFallback} from '../core/settings.ts'
import {nearest} from '../core/words/nearest.ts'
import type {DatabaseOptions, Duration, Size} from './types.ts'

/** The options of a database with every default filled in. Times are milliseconds. */
export type DatabaseSettings = Readonly<{
  name: string
  group: string | null
  connection: pg.ClientConfig
  hosts: Readonly<Record<string, Readonly<Partial<pg.ClientConfig>>>>
  pool: Readonly<{
    max: number
    min: number
    idleTimeoutMillis: number
    maxLifetimeSeconds: number
    connectionTimeoutMillis: number
  }>
  read: Readonly<{
    choose: NonNullable<NonNullable<DatabaseOptions['read']>['choose']>
    limits: Limits
    location: string | null
    /** `null`: as the group has it. */
    fallback: ReadFallback | null
    fallbackMax: number
    waitMs: number
    /** `null`: never. */
    hedgeMs: number | null
  }>
  write: Readonly<{waitMs: number; maxWaiting: number; opening: number}>
}>

/** Throws OperatorError, which names the option. */
export function settingsOf(name: string, options: DatabaseOptions): DatabaseSettings {
  const at = `databases.${name}`
  known(at, options, ['group', 'connection', 'hosts', 'pool', 'read', 'write'])
  const {group = null, connection = {}, hosts = {}, pool = {}, read = {}, write = {}} = options
  known(`${at}.pool`, pool, ['max', 'min', 'idleTimeoutMillis', 'maxLifetimeSeconds', 'connectionTimeoutMillis'])
  known(`${at}.read`, read, ['choose', 'maxLag', 'location', 'fallback', 'fallbackMax', 'wait', 'hedge'])
  known(`${at}.write`, write, ['wait', 'maxWaiting', 'opening'])
  const max = count(`${at}.pool.max`, pool.max ?? 10, 1)
  return {
    name,
    group,
    connection,
    hosts,
    pool: {
      max,
      min: count(`${at}.pool.min`, pool.min ?? 0, 0),
      idleTimeoutMillis: count(`${at}.pool.idleTimeoutMillis`, pool.idleTimeoutMillis ?? 30_000, 0),
      maxLifetimeSeconds: count(`${at}.pool.maxLifetimeSeconds`, pool.maxLifetimeSeconds ?? 0, 0),
      connectionTimeoutMillis: count(`${at}.pool.connectionTimeoutMillis`, pool.connectionTimeoutMillis ?? 3_000, 0),
    },
    read: {
      choose: choiceOf(`${at}.read.choose`, read.choose ?? 'least-busy'),
      limits: limitsOf(`${at}.read.maxLag`, read.maxLag),
      location: read.location ?? null,
      fallback: read.fallback === undefined ? null : fallbackOption(`${at}.read.fallback`, read.fallback),
      fallbackMax: count(`${at}.read.fallbackMax`, read.fallbackMax ?? max, 0),
      waitMs: durationMs(`${at}.read.wait`, read.wait ?? '5s'),
      hedgeMs: read.hedge === undefined || read.hedge === false ? null : durationMs(`${at}.read.hedge`, read.hedge),
    },
    write: {
      waitMs: durationMs(`${at}.write.wait`, write.wait ?? '10s'),
      maxWaiting: count(`${at}.write.maxWaiting`, write.maxWaiting ?? 1_000, 0),
      opening: count(`${at}.write.opening`, write.opening ?? 4, 1),
    },
  }
}

/** `at`: the name of the option, for the error. Throws OperatorError. */
export function durationMs(at: string, text: Duration): number {
  if (text === 0) return 0
  try {
    return parseDuration(String(text))
  } catch (error) {
    throw refusal(at, text, 'Write a number and a unit: "500ms", "1s", "2m".', error)
  }
}

/** `at`: the name of the option, for the error. Throws OperatorError. */
export function limitsOf(at: string, lag: Size | Duration | undefined): Limits {
  if (lag === undefined) return noLimits
  const limits = parseLag(String(lag), 'refused')
  if (limits === null) throw refusal(at, lag, lagAdvice)
  return limits
}

export function fallbackOption(at: string, fallback: unknown): ReadFallback {
  if (fallback === 'primary' || fallback === 'any' || fallback === 'none') return fallback
  throw refusal(at, fallback, 'Write "primary", "any" or "none".')
}

function choiceOf(at: string, choose: unknown): DatabaseSettings['read']['choose'] {
  if (typeof choose === 'function') return choose as DatabaseSettings['read']['choose']
  if (choose === 'least-busy' || choose === 'random' || choose === 'fastest') return choose
  throw refusal(at, choose, 'Write "least-busy", "random", "fastest", or give a function.')
}

function count(at: string, value: unknown, least: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
  throw refusal(at, value, `Write a whole number from ${least} on.`)
}

/** A misspelt option would be ignored for ever. */
export function known(at: string, options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const near = nearest(name, names)
    const next = near === null ? `There are: ${names.join(', ')}.` : `Did you mean "${near}"?`
    throw new OperatorError('USAGE', `${at}: "${name}" is not an option`, next)
  }
}

const refusal = (at: string, value: unknown, next: string, cause?: unknown) =>
  new OperatorError('USAGE', `${at}: ${JSON.stringify(value) ?? String(value)} is not allowed`, next, {cause})

export const inWords = (ms: number): string => formatDuration(Math.round(ms))
