import {execFileSync} from 'node:child_process'
import {existsSync, readdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {followersOf} from './cluster.ts'
import {
  archives,
  crash,
  type KillAt,
  promote,
  type RejoinStage,
  rejoin,
  startRejoinStage,
  startsAlone,
  walOf,
  workersIn,
} from './rejoin-stage.ts'

/** A stray primary with one commit past the fork, and a copy of it from which it is made anew. */
export type KillStage = Readonly<{stage: RejoinStage; again: () => Promise<void>}>

export async function startKillStage(): Promise<KillStage> {
  const stage = await startRejoinStage()
  const {host1, host2, host3, cluster} = stage
  await host1.sql('create table t (i int)')
  await promote(host2, host3)
  await host1.sql('insert into t values (1)')
  await crash(host1)
  const saved = `${host1.data}.saved`
  execFileSync('cp', ['-a', host1.data, saved])
  return {
    stage,
    /** The stray primary as it was, and nothing beside it. */
    async again() {
      await crash(host1)
      for (const name of readdirSync(cluster.folder))
        if (/^host1(\.(rejoin|diverged).*)?$/.test(name) && name !== 'host1.rejoined.log')
          rmSync(join(cluster.folder, name), {recursive: true})
      rmSync(join(cluster.folder, 'diverged'), {recursive: true, force: true})
      execFileSync('cp', ['-a', saved, host1.data])
    },
  }
}

/** What came of a kill. `over`: the command ended before it, because it makes fewer such calls. */
export type AfterKill = 'over' | 'rerun' | 'clone'

const options = {args: ['--accept-loss'], rejoin: 'slot: host1_slot'}

/**
 * Kills rejoin at one system call. Then the server starts, or its data directory is not there; a rerun finishes, or
 * says that a clone is the way, which then finishes; the commit past the fork is in the archive. Throws where not.
 */
export async function killAndReturn({stage, again}: KillStage, killAt: KillAt): Promise<AfterKill> {
  const {host1, host2} = stage
  const at = `${killAt.call} ${killAt.nth}`
  await again()
  const killed = await rejoin(stage, host1, {...options, killAt})
  if (killed.signal !== 'SIGKILL' && killed.code !== 137) {
    if (killed.code !== 0) throw new Error(`${at}: ${killed.code} ${killed.stdout}${killed.stderr}`)
    return 'over'
  }
  const isThere = existsSync(host1.data)
  const isUp = workersIn(host1.data).length > 0
  if (!isUp && startsAlone(host1) !== isThere)
    throw new Error(`${at}: the server ${isThere ? 'does not start' : 'starts'}`)
  const ran = await rejoin(stage, host1, options)
  const words = `${ran.code} ${ran.stdout}${ran.stderr}`
  if (ran.code === 10 && !ran.stderr.includes('pgroute66 rejoin --clone')) throw new Error(`${at}: ${words}`)
  const last = ran.code === 10 ? await rejoin(stage, host1, {...options, args: ['--clone']}) : ran
  if (last.code !== 0) throw new Error(`${at}: ${words}${last.stdout}${last.stderr}`)
  if (!(await followersOf(host2)).includes('host1')) throw new Error(`${at}: host1 does not stream`)
  const whole = archives(stage).filter((archive) => existsSync(join(archive, 'plan.txt')))
  if (!whole.some((archive) => walOf(archive).commits === 1)) throw new Error(`${at}: a commit is lost`)
  return ran.code === 10 ? 'clone' : 'rerun'
}
