import {isDeepStrictEqual} from 'node:util'
import {load, YAMLException} from 'js-yaml'
import {OperatorError} from '../../core/errors.ts'
import {PatroniError} from '../../patroni/error.ts'
import {confirm} from '../cli/confirm.ts'
import {print} from '../cli/print.ts'
import {type Outcome, report} from './outcome.ts'
import {explained, notReadable, type Site, type SiteFlags, siteOf} from './site.ts'
import {printedAs} from './table.ts'
import {seenWithin} from './wait.ts'

type PauseFlags = SiteFlags & Readonly<{yes: boolean; json: boolean}>

/** `patroni pause` and `resume`: read is that every member that answers tells it. */
export async function setPause(isPaused: boolean, flags: PauseFlags): Promise<number> {
  const site = await siteOf(flags)
  return explained(async () => {
    const question = isPaused
      ? 'Pause: Patroni no longer fails over. Go on?'
      : 'Resume: Patroni fails over again. Go on?'
    await confirm(question, flags.yes)
    const {outcome, text} = await site.client.patchConfig({pause: isPaused ? true : null})
    if (outcome !== 'done') return report([{kind: 'refused', text}], flags.json)
    return report([await pauseSeen(site, isPaused)], flags.json)
  })
}

async function pauseSeen({client}: Site, isPaused: boolean): Promise<Outcome> {
  let slow: readonly string[] = []
  const told = await seenWithin(30_000, async () => {
    const {holder, claims, hollow, denials} = await client.leader()
    const words = [...claims, ...hollow, ...denials]
    slow = words.flatMap(({answer, name, member}) =>
      (answer.data?.pause === true) === isPaused ? [] : [name ?? member],
    )
    return slow.length === 0 && words.length > 0 ? {count: words.length, holder} : null
  })
  const mode = isPaused ? 'Maintenance mode is on' : 'Maintenance mode is off'
  if (told === null) return {kind: 'accepted', text: `${mode}, but not told yet by: ${slow.join(', ')}.`}
  return {kind: 'done', text: `${mode}. Read: ${told.count} members tell so.`}
}

export type EditFlags = SiteFlags &
  Readonly<{
    set?: readonly string[] | undefined
    apply?: string | undefined
    replace?: string | undefined
    yes: boolean
    json: boolean
  }>

/**
 * `patroni edit-config`: prints the dynamic configuration, or changes it and reads it back. `read`
 * gives the text of a file that a flag names.
 */
export async function editConfig(flags: EditFlags, read: (path: string) => Promise<string>): Promise<number> {
  const {client} = await siteOf(flags)
  const {set = [], apply, replace} = flags
  const change = replace === undefined ? undefined : objectIn(await read(replace), '--replace')
  const patch = [
    ...(apply === undefined ? [] : [objectIn(await read(apply), '--apply')]),
    ...set.map(assignment),
  ].reduce<Json>(merged, {})
  return explained(async () => {
    const now = await client.config()
    if (now.data === null) throw notReadable(now.member, now.status)
    if (change === undefined && Object.keys(patch).length === 0) {
      print(1, printedAs(flags.json ? 'json' : 'yaml', now.data))
      return 0
    }
    const wanted = change ?? applied(now.data, patch)
    const what = change === undefined ? patch : change
    await confirm(
      `${printedAs('yaml', what)}\n${change === undefined ? 'Change' : 'Replace'} the configuration?`,
      flags.yes,
    )
    const {outcome, text} = await (change === undefined ? client.patchConfig(patch) : client.putConfig(change))
    if (outcome !== 'done') return report([{kind: 'refused', text}], flags.json)
    return report([await configSeen(client, wanted)], flags.json)
  })
}

async function configSeen(client: Site['client'], wanted: object): Promise<Outcome> {
  const found = await seenWithin(10_000, async () => {
    const data = await client.config().then(
      (answer) => answer.data,
      (error: unknown) => {
        if (error instanceof PatroniError) return null
        throw error
      },
    )
    return isDeepStrictEqual(data, wanted) ? data : null
  })
  if (found === null) return {kind: 'unknown', text: 'The configuration that is read is not the one that was written.'}
  return {kind: 'done', text: 'Configuration changed. Read: it is as written.'}
}

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** As Patroni merges a patch: objects within objects, `null` takes a key away. */
export function applied(before: Json, patch: Json): Json {
  const kept = Object.entries(before).filter(([key]) => !(key in patch) || patch[key] !== null)
  const changed = Object.entries(patch).flatMap(([key, value]) => {
    if (value === null) return []
    const old = before[key]
    return [[key, isObject(value) ? applied(isObject(old) ? old : {}, value) : value] as const]
  })
  return {...Object.fromEntries(kept), ...Object.fromEntries(changed)}
}

/** Two patches as one: `null` stays. */
function merged(one: Json, other: Json): Json {
  const within = Object.entries(other).map(([key, value]) => {
    const old = one[key]
    return [key, isObject(old) && isObject(value) ? merged(old, value) : value] as const
  })
  return {...one, ...Object.fromEntries(within)}
}

/** `postgresql.parameters.max_connections=100`; the value is YAML, `null` takes the key away. */
export function assignment(text: string): Json {
  const [, path, value] = /^([^=\s]+)=(.*)$/s.exec(text) ?? []
  if (path === undefined || value === undefined || path.split('.').includes(''))
    throw new OperatorError('PATRONI_CONFIG', `--set ${JSON.stringify(text)} is no KEY=VALUE`, 'Write --set ttl=30.')
  return path.split('.').reduceRight<unknown>((within, key) => ({[key]: within}), parsed(value, '--set')) as Json
}

function objectIn(text: string, flag: string): Json {
  const value = parsed(text, flag)
  if (isObject(value)) return value
  throw new OperatorError('PATRONI_CONFIG', `the file of ${flag} holds no object`, 'Write KEY: VALUE lines.')
}

function parsed(text: string, flag: string): unknown {
  try {
    // An empty value is null, as in a YAML file.
    return text.trim() === '' ? null : load(text)
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    throw new OperatorError('PATRONI_CONFIG', `${flag} is no YAML: ${error.reason}`, 'Correct the value.', {
      cause: error,
    })
  }
}
