import {rename, rm} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import type {RejoinSettings} from '../../core/node/rejoin-settings.ts'
import {copyDurably, makeFolder, syncPath, writeDurably} from '../../system/durable-tree.ts'
import {runProgram} from '../../system/program.ts'
import {controlData} from './local.ts'
import type {Exempt, Fork} from './loss.ts'
import {becomeStandby, restoreConfiguration, saveConfiguration} from './own-configuration.ts'
import {exists, type Places, removeMark, writeMark} from './places.ts'
import type {StepName} from './plan.ts'
import type {RejoinPorts} from './ports.ts'
import {afterStop, noLonger, type Refusal} from './problems.ts'
import {holdersOf, lockHolder} from './processes.ts'
import type {SourceAccess, SourceServer} from './source.ts'
import {isCrashed, type Mark, type Phase} from './state.ts'
import {countLoss, divergedWal} from './wal.ts'

/** A step did not succeed. The message is for an operator. */
export class StepFailed extends Error {
  readonly refusal: Refusal | null
  constructor(message: string, refusal: Refusal | null = null) {
    super(message)
    this.refusal = refusal
  }
}

export type Run = Readonly<{
  host: string
  settings: RejoinSettings
  places: Places
  ports: RejoinPorts
  server: SourceServer
  access: SourceAccess
  source: Readonly<{name: string; timeline: number}>
  /** The folder of this run in the archive. */
  archive: string
  /** The plan as it was printed; kept in the archive. */
  text: string
  /** `null`: an earlier run has stopped the server and counted. */
  fork: Fork | null
  exempt: Exempt
  /** Are so many commits still allowed? `null`: they are. */
  mayLose: (fork: Fork) => Refusal | null
}>

const stopMs = 120_000
const streamMs = 600_000
/** A start command may return before the server has its first process. */
const startMs = 3_000
const pollMs = 100

/** What each step does. Each resolves when its effect is on the disk, or rejects with StepFailed. */
export const steps: Readonly<Record<StepName, (run: Run) => Promise<void>>> = {
  async checkpoint({server, settings: {slot}}) {
    await server.checkpoint()
    if (slot !== null) await server.makeSlot(slot)
  },

  async stop(run) {
    const {places, settings, fork, exempt} = run
    await stopServer(run)
    await finishRecovery(run)
    if (fork === null) return
    const control = await controlData(settings.bin, places.pgdata)
    const loss = await countLoss(settings.bin, places.pgdata, {...fork, control, exempt})
    const refused = run.mayLose({...fork, loss})
    if (refused !== null)
      throw new StepFailed(`more was committed before the stop: ${refused.why}`, afterStop(run.host, refused))
  },

  async archive({places: {pgdata}, settings, archive, fork, text}) {
    await makeFolder(join(archive, 'wal'))
    if (fork !== null) {
      const {segmentBytes} = await controlData(settings.bin, pgdata)
      for (const {name} of await divergedWal(pgdata, {...fork, segmentBytes}))
        await copyDurably(join(pgdata, 'pg_wal', name), join(archive, 'wal', name))
    }
    await copyDurably(join(pgdata, 'global', 'pg_control'), join(archive, 'pg_control'))
    await saveConfiguration(pgdata, join(archive, 'configuration'))
    await writeDurably(join(archive, 'plan.txt'), `${text}\n`)
  },

  async rewind(run) {
    const {places, settings, access} = run
    const {pgdata, work} = places
    const command = (folder: string) => [
      ...[join(settings.bin, 'pg_rewind'), '-D', folder, '--no-ensure-shutdown'],
      `--source-server=${access.sql}`,
    ]
    // What is bound to fail fails here, where nothing is changed yet.
    await program('pg_rewind --dry-run', [...command(pgdata), '--dry-run'], access.env)
    await stillPrimary(run)
    await mark(run, 'rewinding', null)
    await move(pgdata, work)
    const [holder] = await holdersOf([pgdata, work])
    if (holder !== undefined) {
      await move(work, pgdata)
      await removeMark(places)
      throw new StepFailed(`process ${holder.pid} was started in the data directory: ${holder.title}`)
    }
    await program('pg_rewind', command(work), access.env)
    await mark(run, 'copied', null)
  },

  async clone(run) {
    const {places, settings, access, archive} = run
    const {pgdata, work} = places
    const aside = `${pgdata}.diverged-${archive.split('/').at(-1)}`
    if (await exists(pgdata)) {
      if (await exists(aside)) throw new StepFailed(`${aside} of an earlier clone is there: move it away`)
      await stopServer(run)
    }
    await stillPrimary(run)
    await mark(run, 'cloning', aside)
    for (const folder of [pgdata, work]) if ((await exists(folder)) && !(await exists(aside))) await move(folder, aside)
    // Left from an interrupted copy of the other primary; the data of this host is aside.
    await rm(work, {recursive: true, force: true})
    const slot = settings.slot === null ? [] : ['-S', settings.slot]
    const command = [join(settings.bin, 'pg_basebackup'), '-D', work, '-X', 'stream', '-c', 'fast', '-w', ...slot]
    await program('pg_basebackup', [...command, '-d', access.replication], access.replicationEnv)
    await mark(run, 'copied', aside)
  },

  async restore({places: {work}, archive, ports}) {
    await restoreConfiguration(work, join(archive, 'configuration'))
    const problem = await ports.deny?.(work)
    if (problem) throw new StepFailed(`deny cannot be written: ${problem}`)
  },

  async follow(run) {
    const {places, access, settings} = run
    await becomeStandby(places.work, {conninfo: access.upstream, slot: settings.slot})
    await move(places.work, places.pgdata)
    await mark(run, 'placed', null)
  },

  async start(run) {
    const {places, settings, ports, source} = run
    const isUp = async () => (await holdersOf([places.pgdata])).length > 0
    const started = (await isUp()) ? null : await runProgram(settings.start)
    const begun = ports.now()
    while ((await ports.streamsOn()) !== source.timeline) {
      if (ports.now() > begun + startMs && !(await isUp()))
        throw new StepFailed(`the server has ended; its log says why. ${wordsOf(settings.start, started)}`)
      if (ports.now() > begun + streamMs)
        throw new StepFailed(`the server does not stream on timeline ${source.timeline}; its log says why`)
      await pause()
    }
    await mark(run, 'streaming', null)
  },

  async register(run) {
    await program('the register command', run.settings.register ?? [])
  },
}

/** Deny first, so that no client commits while the server stops. */
export async function stopServer({places: {pgdata}, settings, ports}: Run): Promise<void> {
  const problem = await ports.deny?.(pgdata)
  const isUp = (await holdersOf([pgdata])).length > 0 || (await runProgram(settings.status)).code === 0
  const stopped = isUp ? await runProgram(settings.stop) : null
  const until = ports.now() + stopMs
  for (;;) {
    const holder = (await holdersOf([pgdata]))[0] ?? (await lockHolder(pgdata))
    if (holder === null) break
    if (ports.now() > until)
      throw new StepFailed(
        `process ${holder.pid} still holds the data directory (${holder.title}). ${wordsOf(settings.stop, stopped)}`,
      )
    await pause()
  }
  // It is stopped all the same: then no client commits either.
  if (problem) throw new StepFailed(`deny cannot be written: ${problem}`)
}

async function stillPrimary({ports, source}: Run): Promise<void> {
  const now = await ports.confirm()
  if (now.kind === 'confirmed' && now.name === source.name && now.timeline === source.timeline) return
  const why = now.kind === 'confirmed' ? `${now.name} is the primary on timeline ${now.timeline}` : now.why
  const refused = noLonger(source.name, why)
  throw new StepFailed(refused.why, refused)
}

/** pg_rewind would do it without waiting for the disk, and cannot where the data directory has a new name. */
async function finishRecovery(run: Run): Promise<void> {
  const {settings, places} = run
  if (!isCrashed(await controlData(settings.bin, places.pgdata))) return
  const config = settings.configFile === null ? [] : ['-c', `config_file=${settings.configFile}`]
  const command = [join(settings.bin, 'postgres'), '--single', '-D', places.pgdata, ...config, 'template1']
  await program('crash recovery (postgres --single)', command)
  const {state} = await controlData(settings.bin, places.pgdata)
  if (state !== 'shut down') throw new StepFailed(`after crash recovery the state is "${state}", not "shut down"`)
}

/** `env`: secrets, for the programs of PostgreSQL that ask the other primary. */
async function program(name: string, command: readonly string[], env: SourceAccess['env'] = {}): Promise<void> {
  const ran = await runProgram(command, {env})
  if (ran.code !== 0) throw new StepFailed(`${name} failed. ${wordsOf(command, ran)}`)
}

type Ended = Readonly<{code: number | null; stderr: string}>
/** The last words of a program, on one line. */
function wordsOf([file = '']: readonly string[], ran: Ended | null): string {
  if (ran === null) return ''
  const last = ran.stderr.trim().split('\n').slice(-3).join(' ')
  return `${file.split('/').at(-1)} ended with ${ran.code}: ${last.slice(-500)}`
}

async function move(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncPath(dirname(to))
}

function mark({host, places, source, archive, ports}: Run, phase: Phase, aside: string | null): Promise<void> {
  const at = new Date(ports.wall()).toISOString()
  const content: Mark = {schema: 1, host, phase, source: source.name, timeline: source.timeline, archive, aside, at}
  return writeMark(places, content)
}

const pause = () => new Promise((resolve) => setTimeout(resolve, pollMs))
