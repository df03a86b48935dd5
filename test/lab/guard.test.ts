import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {followersOf, type PgNode, until} from '../support/cluster.ts'
import {lacks, lacksLab} from '../support/parts.ts'
import {type Lab, lab} from './cluster.ts'
import {type LabGuard, labGuards, labWriter, reach} from './guard.ts'

type Three<T> = readonly [T, T, T]

/** Three servers with applications that their pg_hba.conf lets in, and an application's machine. */
async function stage(guard = ''): Promise<Readonly<{place: Lab; nodes: Three<PgNode>; guards: Three<LabGuard>}>> {
  const place = await lab(15, {
    others: ['client'],
    hba: ['host all pgroute66 samenet trust', 'host all app samenet trust', 'host all reports samenet trust'],
  })
  const nodes = place.cluster.nodes as Three<PgNode>
  const [host1] = nodes
  for (const statement of [
    'create role app login',
    'create role reports login',
    'create table written (at timestamptz)',
    'grant insert on written to app',
    'grant execute on function pg_hba_file_rules(), pg_reload_conf() to pgroute66',
    'grant pg_signal_backend to pgroute66',
  ])
    await host1.sql(statement)
  await until(async () => (await followersOf(host1)).join() === 'host2,host3')
  const address = `${place.net.node('client').address}/32`
  // By the defaults, a lease of a busy machine may end in good health.
  const patient = {guard: ['lease: 10s', ...(guard === '' ? [] : [guard])].join(', '), more: ['probe: {timeout: 2s}']}
  const guards = labGuards(place, [address], patient) as Three<LabGuard>
  return {place, nodes, guards}
}

const isAt = async (guard: LabGuard, rule: string) => (await guard.view())?.rule === rule
const opened = (guards: Three<LabGuard>) =>
  until(async () => {
    const [one, ...others] = guards
    return (await isAt(one, 'G1')) && (await Promise.all(others.map((other) => isAt(other, 'G2')))).every(Boolean)
  }, 180_000)
const changeTo = async (guard: LabGuard, gate: string, from = 0) =>
  ((await guard.view())?.changes ?? [])
    .map(({at, read_write}) => ({at: Date.parse(at), read_write}))
    .filter(({at, read_write}) => read_write === gate && at >= from)

test.skipIf(lacksLab)(
  'the side without a majority shuts, the other one opens after it, and no session writes on',
  async () => {
    const {place, nodes, guards} = await stage()
    const [host1, host2, host3] = nodes
    const [guard1, guard2, guard3] = guards
    for (const guard of guards) guard.start()
    await opened(guards)
    const writer = labWriter(place, host1)
    await until(async () => (await writer.rowsOf(host1)).length > 10)

    const cutAt = Date.now()
    await place.net.cut('host1', 'host2')
    await place.net.cut('host1', 'host3')
    await until(() => isAt(guard1, 'G5'))
    const [shutAt] = await changeTo(guard1, 'deny', cutAt)
    await host2.promote()
    await host3.follow(host2)
    await until(() => isAt(guard2, 'G1'))
    const [openAt] = await changeTo(guard2, 'allow')
    expect(openAt?.at).toBeGreaterThan(shutAt?.at ?? Number.POSITIVE_INFINITY)
    await until(() => isAt(guard3, 'G2'))
    expect(guard1.hba()).toMatch(/app {2}\S+ {2}reject/)
    const late = (await writer.rowsOf(host1)).filter((at) => at > (shutAt?.at ?? 0) + 1_000)
    expect(late).toEqual([])
    expect((await guard1.view())?.sessions_ended).toBeGreaterThan(0)
  },
)

test.skipIf(lacksLab || lacks('nftables'))(
  'the kernel shuts the gate of a guard that is frozen or killed, and the file has no part in it',
  async () => {
    const {place, nodes, guards} = await stage('fence: nft')
    const [host1] = nodes
    const [guard1, , guard3] = guards
    for (const guard of guards) guard.start()
    await opened(guards)
    const writer = labWriter(place, host1)
    await until(async () => (await writer.rowsOf(host1)).length > 10)
    const isShut = () => until(() => reach(place, host1) === 'ECONNREFUSED')
    const staysShut = async () => {
      const shutAt = Date.now()
      await until(() => Date.now() > shutAt + 1_000)
      return (await writer.rowsOf(host1)).filter((at) => at > shutAt)
    }

    guard1.signal('SIGSTOP')
    await isShut()
    expect(guard1.hba()).toMatch(/app {2}\S+ {2}trust/)
    expect(await staysShut()).toEqual([])
    guard1.signal('SIGCONT')
    await opened(guards)
    const again = (await writer.rowsOf(host1)).length
    await until(async () => (await writer.rowsOf(host1)).length > again)

    guard1.kill()
    await isShut()
    expect(guard1.hba()).toMatch(/app {2}\S+ {2}trust/)
    expect(await staysShut()).toEqual([])
    // What the unit runs after each end of the guard.
    expect(guard1.run('--deny').status).toBe(0)
    expect(guard1.hba()).toMatch(/app {2}\S+ {2}reject/)

    // Another program that has the file for its own.
    const hba = join(guard3.node.data, 'pg_hba.conf')
    const without = guard3.hba().replace(/^# pgroute66 guard: begin[\s\S]*?# pgroute66 guard: end\.\n/, '')
    await until(async () => {
      writeFileSync(hba, without)
      return await isAt(guard3, 'G8')
    })
    await until(() => guard3.hba().includes('reject'))
    expect((await guard3.view())?.rewrites).toBeGreaterThanOrEqual(3)
  },
)

test.skipIf(lacksLab)('one run decides, and says by its exit code what it wrote', async () => {
  const {guards} = await stage()
  const [guard1, guard2, guard3] = guards
  // Without neighbours no majority names the primary.
  const dry = guard1.run('--dry-run')
  expect(dry.stdout).toMatch(
    /^guard \(dry run\) of host1: writers deny, readers deny\. Nothing was changed\.\n {2}G5: /,
  )
  expect(dry.status).toBe(1)
  expect(guard1.hba()).not.toContain('pgroute66 guard')
  expect(guard1.run('--once').status).toBe(1)
  guard2.start()
  guard3.start()
  await until(async () => guard1.run('--once').status === 0)
  expect(guard1.hba()).toMatch(/app {2}\S+ {2}trust/)
  expect(guard1.run('--deny').status).toBe(0)
  expect(guard1.hba()).toMatch(/app {2}\S+ {2}reject/)
})
