import type {RejoinSettings} from '../../core/node/rejoin-settings.ts'
import {enumerate} from '../../core/phrases.ts'
import type {DatabaseLoss, Fork, Loss} from './loss.ts'
import {megabytes, problemOfClone, problemOfRewind, type Refusal, refusal} from './problems.ts'
import {isCrashed, type LocalState, type Mark} from './state.ts'

export type StepName =
  | 'checkpoint'
  | 'stop'
  | 'archive'
  | 'rewind'
  | 'clone'
  | 'restore'
  | 'follow'
  | 'start'
  | 'register'
/** One step, in the words of the plan. */
export type Step = Readonly<{name: StepName; text: string}>

/** The confirmed primary. `evidence`: why it is, in words. `bytes`: size of its databases. */
export type Source = Readonly<{
  name: string
  timeline: number
  systemIdentifier: string
  evidence: string
  bytes: number
  /** Names of databases by OID. */
  databases: ReadonlyMap<string, string>
}>

export type Plan = Readonly<{
  host: string
  source: Source
  fork: Fork
  mode: 'rewind' | 'clone'
  /** Why it is not a rewind; `null`: it is one. */
  cloneReason: string | null
  /** The folder of this run in the archive. */
  archive: string
  steps: readonly Step[]
  /** Commits past the fork that are not allowed to be lost; `null`: all may be lost. */
  refused: Refusal | null
}>

export type Asked = Readonly<{acceptLoss: boolean; isAuto: boolean; wantsClone: boolean}>

export type PlanFacts = Readonly<{
  host: string
  settings: RejoinSettings
  local: LocalState
  source: Source
  fork: Fork
  asked: Asked
  hasGuard: boolean
  /** Files of this host's own configuration inside the data directory. */
  configurationFiles: number
  /** WAL that the archive gets. */
  archiveBytes: number
  /** Wall clock, milliseconds. */
  at: number
}>

/** The whole plan, or why there is none. Nothing is asked and nothing is changed here. */
export function planRejoin(facts: PlanFacts): Plan | Refusal {
  const {host, settings, local, source, fork, asked} = facts
  if (local.backup !== null)
    return refusal(9, `a backup of ${host} is running (${local.backup})`, 'Wait until it ends, or end it.')
  const noRewind = asked.wantsClone ? '--clone asks for a copy' : problemOfRewind(local, fork)
  const noClone = noRewind === null ? null : problemOfClone(local, source.bytes)
  if (noRewind !== null && noClone !== null)
    return refusal(9, `a rewind is impossible: ${noRewind}. A clone is impossible: ${noClone}`, manualNext)
  if (local.archiveFreeBytes < facts.archiveBytes * 1.1)
    return refusal(
      9,
      `${settings.archive} needs ${megabytes(facts.archiveBytes)}, and has ${megabytes(local.archiveFreeBytes)}`,
      'Free the disk, or set rejoin.archive to another one.',
    )
  const mode = noRewind === null ? 'rewind' : 'clone'
  const archive = `${settings.archive}/${timeName(facts.at)}`
  const plan = {host, source, fork, mode, cloneReason: noRewind, archive} as const
  return {...plan, steps: stepsOf(facts, plan), refused: lossProblem(facts)}
}

const manualNext = 'Free the disk, or rebuild this server by hand (pg_basebackup).'

/** `20261128T213700Z` */
const timeName = (at: number) => new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')

const commitsOf = (count: number) => `${count} ${count === 1 ? 'commit' : 'commits'}`

/** May the commits past the fork be lost? */
export function lossProblem({host, settings, source, fork, asked}: Omit<PlanFacts, 'local'>): Refusal | null {
  const {counted, doubt} = fork.loss
  if (asked.acceptLoss || (doubt === null && counted === 0)) return null
  if (asked.isAuto && doubt === null && counted <= settings.maxLossCommits) return null
  const what =
    doubt === null
      ? `${commitsOf(counted)} past the fork would be lost: ${perDatabase(fork.loss, source)}`
      : `it cannot be told what is past the fork: ${doubt}`
  const limit = asked.isAuto ? `, and max_loss_commits is ${settings.maxLossCommits}` : ''
  return refusal(1, `${what}${limit}`, `Save what you need from ${host}, then run "pgroute66 rejoin --accept-loss".`)
}

function stepsOf(facts: PlanFacts, plan: Pick<Plan, 'mode' | 'archive'>): readonly Step[] {
  const {settings, local, source, hasGuard} = facts
  const {slot, register} = settings
  const deny = hasGuard ? 'deny in pg_hba.conf, ' : ''
  const stop = local.isRunning ? 'stop (fast)' : isCrashed(local.control) ? 'finish crash recovery' : 'is stopped'
  const files = `${facts.configurationFiles} configuration ${facts.configurationFiles === 1 ? 'file' : 'files'}`
  const aids = [local.control.hasChecksums ? 'checksums' : '', local.control.hasHints ? 'wal_log_hints' : '']
  const copy: Step =
    plan.mode === 'rewind'
      ? {name: 'rewind', text: `mark, pg_rewind from ${source.name} (${enumerate(aids.filter(Boolean))} on)`}
      : {name: 'clone', text: `mark, move the old data directory aside, pg_basebackup from ${source.name}`}
  return [
    {name: 'checkpoint', text: `CHECKPOINT on ${source.name}${slot === null ? '' : `, slot ${slot}`}`},
    {name: 'stop', text: `${deny}${stop}`},
    {name: 'archive', text: `archive ${megabytes(facts.archiveBytes)} to ${plan.archive}`},
    copy,
    {name: 'restore', text: `put back ${files}${hasGuard ? ', deny' : ''}`},
    {name: 'follow', text: `follow ${source.name}${slot === null ? '' : `, slot ${slot}`}`},
    {name: 'start', text: `start, wait until streaming on ${source.timeline}`},
    ...(register === null ? [] : [{name: 'register', text: wordsOf(register)} as const]),
  ]
}

/** After an interruption: from the first step that may be missing. */
export function stepsLeft(
  {phase, timeline}: Mark,
  isClone: boolean,
  {source, settings, hasGuard}: Readonly<{source: string; settings: RejoinSettings; hasGuard: boolean}>,
): readonly Step[] {
  const {slot, register} = settings
  const withSlot = slot === null ? '' : `, slot ${slot}`
  const all: readonly Step[] = [
    {name: 'checkpoint', text: `CHECKPOINT on ${source}${withSlot}`},
    {name: 'clone', text: `move the old data aside, pg_basebackup from ${source}`},
    {name: 'restore', text: `put back the configuration${hasGuard ? ', deny' : ''}`},
    {name: 'follow', text: `follow ${source}${withSlot}`},
    {name: 'start', text: `start, wait until streaming on ${timeline}`},
    ...(register === null ? [] : [{name: 'register', text: wordsOf(register)} as const]),
  ]
  // Whether it still streams is always looked at.
  const firsts = {rewinding: 0, cloning: 0, copied: 2, placed: 4, streaming: 4} as const
  return all.slice(isClone ? 0 : firsts[phase])
}

/** A command without the path of its program and of its configuration: `repmgr standby register --force`. */
const wordsOf = ([program = '', ...args]: readonly string[]): string =>
  [program.split('/').at(-1), ...args.filter((word, index) => word !== '-f' && args[index - 1] !== '-f')].join(' ')

/** "2 in app, 7 in repmgr" */
export function perDatabase({databases}: Loss, source: Source): string {
  return databases.map((one) => `${one.commits} in ${nameOf(one, source)}`).join(', ')
}

function nameOf({oid, isCounted}: DatabaseLoss, {databases}: Source): string {
  const uncounted = isCounted ? '' : ' (not counted)'
  if (oid === null) return `an unknown database${uncounted}`
  if (oid === '0') return `what all databases share${uncounted}`
  return `${databases.get(oid) ?? `database ${oid}`}${uncounted}`
}

const numberOf = (value: number) => String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',')

/** The plan as it is printed, dry or not. */
export function planText(plan: Plan, isDry: boolean): string {
  const {host, source, fork, steps, refused, cloneReason} = plan
  const {loss} = fork
  const last = loss.lastAt === null ? '' : ` (last ${loss.lastAt.slice(11)} UTC)`
  const commits = `${commitsOf(loss.commits)} past the fork`
  const by = loss.commits === 0 ? '' : `: ${perDatabase(loss, source)}${last}`
  const counted = loss.doubt === null ? `${numberOf(loss.bytes)} bytes, ${commits}${by}` : `unknown: ${loss.doubt}`
  return [
    `rejoin${isDry ? ' (dry run)' : ''}: ${host} is a stray primary.${isDry ? ' Nothing was changed.' : ''}`,
    `  evidence   ${source.evidence}`,
    `  fork       timeline ${fork.timeline} ended at ${fork.lsn}; this host went on to ${loss.end}`,
    `  loss       ${counted}${refused === null ? '' : '    needs --accept-loss'}`,
    ...(cloneReason === null ? [] : [`  clone      ${cloneReason}`]),
    ...rowsOf(steps),
  ].join('\n')
}

/** Numbered steps, as many as fit into a line. */
export function rowsOf(steps: readonly Step[]): readonly string[] {
  const rows: string[] = []
  for (const [index, {text}] of steps.entries()) {
    const cell = `${index + 1} ${text}`
    const row = rows.at(-1)
    if (row !== undefined && row.length + cell.length < 150) rows[rows.length - 1] = `${row}   ${cell}`
    else rows.push(`  ${cell}`)
  }
  return rows
}
