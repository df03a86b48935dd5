import type {Loss} from '../../../actuators/rejoin/loss.ts'
import type {Role} from '../../../core/vocabulary.ts'
import {bytesText} from '../../../core/words/bytes.ts'
import type {Advice} from './advice.ts'
import type {Alone, Fork, Line} from './lineage.ts'

/** What is known of one of the two hosts. */
export type Side = Readonly<{
  host: string
  role: Role
  systemIdentifier: string | null
  upstream: string | null
  /** Without the other host of the two. */
  followers: readonly string[]
  /** `null`: it does not say what it holds. */
  line: Line | null
  /** A standby; on disk: by pg_control. A server that is not may have written. */
  isInRecovery: boolean
  /** It may hold more than `line` says. */
  isLeast: boolean
  notes: readonly string[]
}>
/** `commits`: a text where pg_waldump could not count; `null`: there is no data directory here. */
type Held = Alone & Readonly<{commits: Loss | string | null}>
export type Compared = Readonly<{
  sides: readonly [Side, Side]
  fork: Fork
  /** In the order of `sides`; `null`: unknown. */
  alone: readonly Held[] | null
  advice: Advice
}>

/**
 * 0: one holds all that the other holds. 3: one does not say. 4: each holds what the other lacks, or
 * it cannot be told.
 */
export function exitOf(compared: Compared): 0 | 3 | 4 {
  const {sides, alone} = compared
  if (sides.some(({line}) => line === null)) return 3
  return alone === null || alone.every(({bytes}) => bytes > 0) || doubtOf(compared) !== null ? 4 : 0
}

/**
 * In words: why the bytes alone do not tell who holds all; `null`: they do. A number is not a
 * timeline: two that write on one number may differ before the shorter one ends.
 */
function doubtOf({sides, fork}: Compared): string | null {
  const [one, other] = sides
  if (!sides.some(({isInRecovery}) => isInRecovery) && one.line?.timeline === other.line?.timeline)
    return `both may have written on timeline ${one.line?.timeline}: they may differ before the fork too`
  const isFed = one.upstream === other.host || other.upstream === one.host
  if (fork.kind === 'at' && fork.isAssumed && !isFed)
    return 'not all histories could be read: they may differ before the fork too'
  const least = sides.find(({isLeast}) => isLeast)
  return least === undefined ? null : `${least.host} may hold more than it says`
}

export function comparedText(compared: Compared): string {
  const {sides, fork, alone, advice} = compared
  const width = Math.max(...sides.map(({host}) => host.length), 'fork'.length)
  const row = (name: string, text: string) => `  ${name.padEnd(width)}  ${text}`
  const keep = advice.keep === null ? `No recommendation: ${advice.why}.` : `Keep ${advice.keep}: ${advice.why}.`
  return [
    `${sides[0].host} and ${sides[1].host}: ${headline(compared)}`,
    row('fork', forkText(fork)),
    ...sides.map((side, index) => row(side.host, sideText(side, alone?.[index] ?? null))),
    ...sides.flatMap(({notes}) => notes).map((note) => `  ${note}`),
    keep,
  ].join('\n')
}

function headline(compared: Compared): string {
  const {sides, fork, alone} = compared
  const [one, other] = sides
  if (fork.kind === 'unknown' || alone === null) return 'what each holds alone is unknown'
  const doubt = doubtOf(compared)
  if (doubt !== null) return doubt
  const [mine = 0, theirs = 0] = alone.map(({bytes}) => bytes)
  if (mine > 0 && theirs > 0) return 'each holds what the other lacks'
  if (mine === 0 && theirs === 0) return 'both hold the same'
  const [more, less] = mine > 0 ? [one, other] : [other, one]
  return `${more.host} holds all that ${less.host} holds, and more`
}

const forkText = (fork: Fork): string =>
  fork.kind === 'unknown'
    ? `unknown: ${fork.why}`
    : `${fork.lsn} on timeline ${fork.timeline}${fork.isAssumed ? assumed : ''}`
const assumed = ', if the histories are one (not all could be read)'

function sideText({role, line, upstream, followers}: Side, held: Held | null): string {
  const at = line === null ? '' : `, timeline ${line.timeline}, to ${line.end ?? 'an unknown end'}`
  const follows = upstream === null ? '' : `; streams from ${upstream}`
  const followed = followers.length === 0 ? '; no other host follows' : `; followed by ${followers.join(', ')}`
  const alone =
    held === null ? '' : `; ${held.bytes === 0 ? 'nothing' : bytesText(held.bytes)} alone${commitsText(held)}`
  return `${role}${at}${alone}${follows}${followed}`
}

function commitsText({commits, bytes}: Held): string {
  if (bytes === 0 || commits === null) return ''
  if (typeof commits === 'string') return ` (commits not counted: ${commits})`
  const last = commits.lastAt === null ? '' : `, the last at ${commits.lastAt} UTC`
  return ` (${commits.commits} commit${commits.commits === 1 ? '' : 's'}${last})`
}

export function comparedJson(compared: Compared, exit: number): string {
  const {sides, fork, alone, advice} = compared
  const held = (index: number) => {
    const one = alone?.[index]
    const commits = one?.commits ?? null
    const isCounted = commits !== null && typeof commits !== 'string'
    return {
      bytes_alone: one?.bytes ?? null,
      commits_alone: one?.bytes === 0 ? 0 : isCounted ? commits.commits : null,
      last_commit_at: isCounted ? commits.lastAt : null,
    }
  }
  return JSON.stringify({
    exit,
    ok: exit === 0,
    summary: headline(compared),
    fork: fork.kind === 'unknown' ? null : {timeline: fork.timeline, lsn: fork.lsn, assumed: fork.isAssumed},
    fork_unknown: fork.kind === 'unknown' ? fork.why : null,
    hosts: Object.fromEntries(
      sides.map(({host, role, systemIdentifier, line, upstream, followers, notes}, index) => [
        host,
        {
          role,
          system_identifier: systemIdentifier,
          timeline: line?.timeline ?? null,
          lsn: line?.end ?? null,
          ...held(index),
          upstream,
          followers,
          notes,
        },
      ]),
    ),
    keep: advice.keep,
    why: advice.why,
  })
}
