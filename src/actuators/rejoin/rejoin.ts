import {lstat} from 'node:fs/promises'
import {join} from 'node:path'
import type {RejoinSettings} from '../../core/node/rejoin-settings.ts'
import {type Confirmation, countedFor} from './confirmation.ts'
import {forkOf} from './fork.ts'
import {controlData, dataDirectory, readLocal} from './local.ts'
import type {Exempt} from './loss.ts'
import {ownConfiguration} from './own-configuration.ts'
import {exists, findMark, type Places, placesOf, removeMark, takeLock} from './places.ts'
import {
  type Asked,
  lossProblem,
  type Plan,
  planRejoin,
  planText,
  rowsOf,
  type Source,
  type Step,
  stepsLeft,
} from './plan.ts'
import type {RejoinPorts} from './ports.ts'
import {
  afterStop,
  bothThere,
  interrupted,
  noAncestor,
  problemOfLocal,
  problemOfSource,
  type Refusal,
  refusal,
  unconfirmed,
} from './problems.ts'
import {holdersOf} from './processes.ts'
import {SourceError, SourceServer, told} from './source.ts'
import {isPrimary, type Mark} from './state.ts'
import {type Run, StepFailed, steps, stopServer} from './steps.ts'
import {countLoss, divergedWal} from './wal.ts'

export type RejoinRequest = Readonly<{
  /** The host of this machine, by its name in the configuration. */
  host: string
  settings: RejoinSettings
  asked: Asked & Readonly<{isDry: boolean}>
  /** The database of repmgr, and the table of the heartbeat: their commits are no loss. `null`: none. */
  exempt: Readonly<{repmgr: Readonly<{dbname: string; schema: string}> | null; table: string | null}>
}>

export type Outcome = Refusal & Readonly<{plan: Plan | null; steps: readonly Step[]; done: readonly Step[]}>

/**
 * Brings this host back as a standby of the primary that `ports.confirm` names, or says why not. Every
 * refusal comes before the first change. Throws OperatorError: the configuration or a right is wrong.
 */
export async function rejoin(request: RejoinRequest, ports: RejoinPorts): Promise<Outcome> {
  const pgdata = await dataDirectory(request.settings)
  const places = placesOf(pgdata)
  const lock = (await mayLook(request, places)) ? null : await takeLock(places)
  try {
    const isHeld = lock === null && !(await mayLook(request, places))
    const [left] = await holdersOf([places.work])
    if (isHeld || left !== undefined) {
      const who = left === undefined ? 'another rejoin runs' : `process ${left.pid} of an earlier rejoin still runs`
      return refused(refusal(6, `${who} on ${pgdata}`, 'Wait until it ends, then run this again.'))
    }
    const mark = await findMark(places)
    if (mark === 'unreadable')
      return refused(refusal(10, `${places.mark} is not a mark of this version`, 'Look at that file first.'))
    return await new Rejoin(request, ports, places).run(mark)
  } finally {
    lock?.close()
  }
}

/** A dry run makes no lock; where there is none at all, none holds it. */
const mayLook = async ({asked}: RejoinRequest, {lock}: Places): Promise<boolean> =>
  asked.isDry &&
  (await lstat(lock).then(
    () => false,
    () => true,
  ))

const refused = (why: Refusal, plan: Plan | null = null): Outcome => ({
  ...why,
  plan,
  steps: plan?.steps ?? [],
  done: [],
})

/** One run of the command. */
class Rejoin {
  readonly #request: RejoinRequest
  readonly #ports: RejoinPorts
  readonly #places: Places

  constructor(request: RejoinRequest, ports: RejoinPorts, places: Places) {
    this.#request = request
    this.#ports = ports
    this.#places = places
  }

  async run(mark: Mark | null): Promise<Outcome> {
    const {pgdata, work} = this.#places
    if ((await exists(pgdata)) && (await exists(work))) return refused(bothThere(this.#places))
    if (mark === null || (await this.#isPast(mark))) {
      if (mark !== null && !this.#request.asked.isDry) await removeMark(this.#places)
      return this.#afresh()
    }
    const isMixed = mark.phase === 'rewinding' || mark.phase === 'cloning'
    if (isMixed && !this.#request.asked.wantsClone) return refused(interrupted(mark, this.#places.mark))
    return this.#goOn(mark)
  }

  /** Nothing was changed after the mark, or the standby that was made has become a primary since. */
  async #isPast({phase, aside}: Mark): Promise<boolean> {
    const {pgdata} = this.#places
    if (!(await exists(pgdata))) return false
    if (phase === 'rewinding') return true
    if (phase === 'cloning') return aside === null || !(await exists(aside))
    return isPrimary(await readLocal(this.#request.settings, pgdata))
  }

  async #afresh(): Promise<Outcome> {
    const {host, settings, asked} = this.#request
    const {pgdata} = this.#places
    const local = await readLocal(settings, pgdata)
    const ours = problemOfLocal(host, local)
    if (ours !== null) return refused(ours)
    const confirmed = countedFor(local, await this.#ports.confirm())
    if (confirmed.kind !== 'confirmed') return refused(unconfirmed(host, confirmed.kind, confirmed.why))
    const asking = await this.#ask(confirmed)
    const theirs = problemOfSource(host, local, asking.source) ?? (await this.#problemOfSlot(asking))
    if (theirs !== null) return refused(theirs)
    const {source, server} = asking
    const lsn = forkOf(local.timeline, local.history, await told(source.name, () => server.history(source.timeline)))
    if (lsn === null) return refused(noAncestor(host, local.timeline, source))
    const exempt = await this.#exempt(asking)
    const at = {timeline: local.timeline, lsn, control: local.control, exempt}
    const fork = {...at, loss: await countLoss(settings.bin, pgdata, at)}
    const wal = await divergedWal(pgdata, {...at, segmentBytes: local.control.segmentBytes})
    const facts = {
      ...{host, settings, local, source, fork, asked},
      hasGuard: this.#ports.deny !== null,
      configurationFiles: (await ownConfiguration(pgdata)).length,
      archiveBytes: wal.reduce((sum, {bytes}) => sum + bytes, 0),
      at: this.#ports.wall(),
    }
    const plan = planRejoin(facts)
    if ('exit' in plan) return refused(plan)
    const text = planText(plan, asked.isDry)
    this.#ports.say(text)
    const run: Run = {
      ...{
        host,
        settings,
        places: this.#places,
        ports: this.#ports,
        ...asking,
        archive: plan.archive,
        text,
        fork,
        exempt,
      },
      mayLose: (now) => lossProblem({...facts, fork: now}),
    }
    if (plan.refused !== null) return this.#tooMuch(run, plan, plan.refused)
    if (asked.isDry) return refused(refusal(0, `${host} can be brought back`, 'Run it without --dry-run.'), plan)
    return this.#do(run, plan.steps, plan)
  }

  /** With `--auto` the node stays stopped and denied: it must not collect more commits to lose. */
  async #tooMuch(run: Run, plan: Plan, why: Refusal): Promise<Outcome> {
    const {isAuto, isDry} = this.#request.asked
    if (isAuto && !isDry) {
      try {
        await stopServer(run)
      } catch (error) {
        const [step = plan.steps[0] as Step] = plan.steps.filter(({name}) => name === 'stop')
        return refused(await this.#failure(step, error), plan)
      }
      this.#ports.say(`${run.host} is stopped${this.#ports.deny === null ? '' : ' and denied'}, and stays so.`)
      return refused(afterStop(run.host, why), plan)
    }
    return refused(why, plan)
  }

  /** After an interruption: the steps that are left, from a primary that is still the same one. */
  async #goOn(mark: Mark): Promise<Outcome> {
    const {host, settings, asked} = this.#request
    const places = this.#places
    const isClone = mark.phase === 'rewinding' || mark.phase === 'cloning' || asked.wantsClone
    const confirmed = await this.#ports.confirm()
    if (confirmed.kind !== 'confirmed') return refused({...unconfirmed(host, confirmed.kind, confirmed.why), exit: 4})
    const isSettled = mark.phase === 'streaming'
    if (!isClone && !isSettled && (confirmed.name !== mark.source || confirmed.timeline !== mark.timeline))
      return refused(interrupted(mark, places.mark))
    const asking = await this.#ask(confirmed)
    const identifier = await this.#identifierOf(mark)
    if (identifier !== null && identifier !== asking.source.systemIdentifier)
      return refused(refusal(8, `${confirmed.name} is another cluster than ${host}`, 'Correct its address.'))
    const left = stepsLeft({...mark, timeline: asking.source.timeline}, isClone, {
      source: confirmed.name,
      settings,
      hasGuard: this.#ports.deny !== null,
    })
    const isPlaced = mark.phase === 'copied' && !(await exists(places.work))
    const todo = isPlaced ? left.filter(({name}) => name === 'start' || name === 'register') : left
    const head = `rejoin${asked.isDry ? ' (dry run)' : ''}: ${host} goes on where it was interrupted (${mark.phase}).`
    const text = [head, `  evidence   ${confirmed.evidence}`, ...rowsOf(todo)].join('\n')
    this.#ports.say(text)
    if (asked.isDry)
      return {
        ...refusal(0, `${host} can be brought back`, 'Run it without --dry-run.'),
        plan: null,
        steps: todo,
        done: [],
      }
    const archive = mark.archive
    const exempt = {databases: new Set<string>(), relations: new Set<string>()}
    const none = {fork: null, exempt, mayLose: () => null}
    return this.#do({host, settings, places, ports: this.#ports, ...asking, archive, text, ...none}, todo, null)
  }

  async #do(run: Run, todo: readonly Step[], plan: Plan | null): Promise<Outcome> {
    const {host, source} = run
    const done: Step[] = []
    for (const step of todo) {
      const begun = this.#ports.now()
      this.#ports.reached(step.name, 'begins')
      try {
        await steps[step.name](run)
      } catch (error) {
        return {...(await this.#failure(step, error)), plan, steps: todo, done}
      }
      done.push(step)
      this.#ports.reached(step.name, 'is done')
      this.#ports.say(`  done  ${step.text} (${Math.round(this.#ports.now() - begun)} ms)`)
    }
    await removeMark(this.#places)
    const why = `${host} is a standby of ${source.name} and streams on timeline ${source.timeline}`
    return {...refusal(0, why, ''), plan, steps: todo, done}
  }

  /** What failed, and what to run next: that depends on what the mark says by now. */
  async #failure(step: Step, error: unknown): Promise<Refusal> {
    const isExpected = error instanceof StepFailed || error instanceof SourceError || hasErrno(error)
    if (!isExpected) throw error
    const {slot} = this.#request.settings
    const found = await findMark(this.#places)
    const phase = found === 'unreadable' ? null : (found?.phase ?? null)
    const next =
      phase === null
        ? 'The data directory was not changed. Correct this, then run "pgroute66 rejoin" again.'
        : phase === 'rewinding' || phase === 'cloning'
          ? `The data directory is mixed, and lies in ${this.#places.work}. Run "pgroute66 rejoin --clone".`
          : 'Correct this, then run "pgroute66 rejoin" again: it goes on from here.'
    const kept = slot === null ? '' : ` Slot ${slot} keeps WAL on the primary until this host streams, or you drop it.`
    if (error instanceof StepFailed && error.refusal !== null) return {...error.refusal, why: error.message}
    return refusal(11, `step "${step.text}" failed: ${(error as Error).message}`, next + kept)
  }

  async #ask(confirmed: Confirmation & {kind: 'confirmed'}) {
    const {settings} = this.#request
    const access = await this.#ports.accessTo(confirmed.name)
    const server = new SourceServer(settings.bin, access)
    return await told(confirmed.name, async () => {
      const {systemIdentifier, timeline} = await server.identify()
      const lacking = await server.lacking()
      if (lacking.length > 0) throw new SourceError(`role ${settings.sourceUser} lacks: ${lacking.join('; ')}`)
      const [databases, bytes] = [await server.databases(), await server.bytes()]
      const source: Source = {...confirmed, systemIdentifier, timeline, databases, bytes}
      return {access, server, source}
    })
  }

  async #problemOfSlot({server, source}: Readonly<{server: SourceServer; source: Source}>): Promise<Refusal | null> {
    const {slot} = this.#request.settings
    const problem = slot === null ? null : await told(source.name, () => server.problemOfSlot(slot))
    const next = 'Drop the slot on the primary, or set rejoin.slot to another name.'
    return problem === null ? null : refusal(9, `slot ${slot} on ${source.name} cannot be used: ${problem}`, next)
  }

  async #exempt({server, source}: Readonly<{server: SourceServer; source: Source}>): Promise<Exempt> {
    const {repmgr, table} = this.#request.exempt
    // With tables of others in it, a commit there may be one of theirs.
    const isAlone = repmgr !== null && (await server.hasOnly(repmgr.dbname, repmgr.schema))
    const oids = [...source.databases].flatMap(([oid, name]) => (isAlone && name === repmgr.dbname ? [oid] : []))
    const files = table === null ? [] : await told(source.name, () => server.filesOf(table))
    return {databases: new Set(oids), relations: new Set(files)}
  }

  async #identifierOf({aside}: Mark): Promise<string | null> {
    const {pgdata, work} = this.#places
    for (const folder of [work, aside, pgdata])
      if (folder !== null && (await exists(join(folder, 'global', 'pg_control'))))
        return (await controlData(this.#request.settings.bin, folder)).systemIdentifier
    return null
  }
}

const hasErrno = (error: unknown): boolean => error instanceof Error && 'errno' in error
