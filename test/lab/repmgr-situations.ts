import {followersOf, type PgNode, until} from '../support/cluster.ts'
import type {RepmgrSite, Router} from './repmgr-site.ts'

/** primgr's words for a host, with its codes. */
const stateTexts = {
  primary: '200 {"State":"Primary"}',
  standby: '202 {"State":"Standby"}',
  down: '503 {"State":"Down"}',
  unknown: '509 {"State":"Unknown"}',
  /** No answer. */
  silent: '',
} as const
export type State = keyof typeof stateTexts

/** A busy machine must not decide. */
const limitMs = 120_000
const now = () => performance.now()

/**
 * What was seen of a situation. `deposed`: the host that must not be written to since then, and what the
 * clients of both routers wrote to it all the same. `marginMs`: from the last write there to that moment,
 * where it was the primary until then.
 */
export type Seen = Readonly<{
  primary: PgNode
  deposed: PgNode
  writesOnDeposed: number
  marginMs: number | null
}>

/** Waits until primgr's ports say so. */
export const haveStates = (site: RepmgrSite, expected: Readonly<Record<string, State>>): Promise<void> =>
  eventually(`the states ${JSON.stringify(expected)}`, async () => {
    const said = await Promise.all(Object.keys(expected).map((host) => site.primgr(host)))
    return [
      said.join(' '),
      Object.values(expected)
        .map((state) => stateTexts[state])
        .join(' '),
    ]
  })

/** Waits until repmgr says so of `subject`, to the daemons beside these hosts. */
export async function hear(site: RepmgrSite, hosts: readonly string[], {name}: PgNode, answer: string): Promise<void> {
  for (const at of hosts)
    await eventually(`${at} to hear of ${name}`, async () => {
      const said = await site.said(at, name)
      return [said.startsWith(answer) ? answer : said, answer]
    })
}

/** Waits until the clients of these routers write to this host, and to it alone. */
export async function writesGoTo({name}: PgNode, routers: readonly Router[]): Promise<void> {
  for (const {name: router, writer} of routers) {
    const since = now()
    await eventually(`writes through ${router}`, async () => {
      const last = writer.acks.findLast(({at}) => at > since)
      return [last === undefined ? 'none' : `host${last.port}`, name]
    })
  }
}

/** Until both texts are the same. The error tells them. It looks seldom: the daemons need the time. */
async function eventually(what: string, look: () => Promise<readonly [is: string, expected: string]>): Promise<void> {
  for (const end = now() + limitMs; ; ) {
    const [is, expected] = await look()
    if (is === expected) return
    if (now() > end) throw new Error(`waited for ${what}: it is ${is || 'nothing'} instead of ${expected}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const all = ({daemons}: RepmgrSite) => Object.keys(daemons)

/** The primary other than `old`, once there is one, and when the look began that first saw it. */
async function promotedBeside(site: RepmgrSite, old: PgNode): Promise<Readonly<{next: PgNode; at: number}>> {
  const others = site.repmgr.cluster.nodes.filter((node) => node !== old)
  let next: PgNode | undefined
  let at = now()
  await until(async () => {
    at = now()
    for (const node of others)
      if (node.isRunning && (await node.sql('select pg_is_in_recovery() as standby'))[0]?.standby === false) next = node
    return next !== undefined
  }, limitMs)
  return {next: next as PgNode, at}
}

/** When the clients of both routers wrote to a host. */
const writesOn = ({name}: PgNode, {routers}: RepmgrSite) =>
  routers.flatMap(({writer}) => writer.acks.filter(({port}) => `host${port}` === name).map(({at}) => at))

/** Everything that was written to a stray since then, by now. */
function seenOfStray(site: RepmgrSite, primary: PgNode, deposed: PgNode, since: number): Seen {
  const writesOnDeposed = writesOn(deposed, site).filter((at) => at > since).length
  return {primary, deposed, writesOnDeposed, marginMs: null}
}

/** The same of a primary that another one has replaced. */
function seenOfOld(site: RepmgrSite, primary: PgNode, deposed: PgNode, since: number): Seen {
  const before = writesOn(deposed, site).filter((at) => at <= since)
  return {...seenOfStray(site, primary, deposed, since), marginMs: since - Math.max(...before)}
}

export async function steady(site: RepmgrSite, primary: PgNode): Promise<void> {
  const stateOf = (host: string): State => (host === primary.name ? 'primary' : 'standby')
  await haveStates(site, Object.fromEntries(all(site).map((host) => [host, stateOf(host)])))
  await hear(site, all(site), primary, 'confirms 3 of 3 data nodes in location mr')
  await writesGoTo(primary, site.routers)
}

/** A switchover by hand: the primary stops, and repmgr promotes `next`. */
export async function switchover(site: RepmgrSite, old: PgNode, next: PgNode): Promise<Seen> {
  const {repmgr} = site
  await repmgr.stopDaemons()
  await old.stop('fast')
  await haveStates(site, {[old.name]: 'down'})
  await repmgr.repmgr(next, 'standby', 'promote')
  const at = now()
  const others = repmgr.cluster.nodes.filter((node) => node !== old && node !== next)
  await hear(site, [next.name], next, 'silent 1 of 3')
  for (const standby of others) await repmgr.repmgr(standby, 'standby', 'follow')
  await hear(site, all(site), next, 'confirms 2 of 3')
  await haveStates(site, {[old.name]: 'down', [next.name]: 'primary'})
  await writesGoTo(next, site.routers)
  await site.restore(old, next)
  await steady(site, next)
  return seenOfOld(site, next, old, at)
}

/** `kill -9` of the primary, and the failover by repmgrd. */
export async function crash(site: RepmgrSite, old: PgNode): Promise<Seen> {
  await old.kill()
  await haveStates(site, {[old.name]: 'down'})
  const {next, at} = await promotedBeside(site, old)
  await hear(site, all(site), next, 'confirms 2 of 3')
  await haveStates(site, {[old.name]: 'down', [next.name]: 'primary'})
  await writesGoTo(next, site.routers)
  return seenOfOld(site, next, old, at)
}

/** After a crash the old primary starts as what it was; then it is rebuilt. */
export async function comesBack(site: RepmgrSite, old: PgNode, primary: PgNode): Promise<Seen> {
  const at = now()
  await old.start()
  await splitBrain(site, old, primary)
  await mend(site, old, primary)
  return seenOfStray(site, primary, old, at)
}

/** Two primaries that all daemons see: repmgr knows which, and writes go to neither. */
async function splitBrain(site: RepmgrSite, old: PgNode, primary: PgNode): Promise<void> {
  await haveStates(site, {[old.name]: 'unknown', [primary.name]: 'unknown'})
  await hear(site, all(site), primary, 'confirms 2 of 3')
  await hear(site, all(site), old, 'denies 1 of 3')
}

async function mend(site: RepmgrSite, old: PgNode, primary: PgNode): Promise<void> {
  await site.restore(old, primary)
  await steady(site, primary)
}

/** Cuts `side` off, the old primary among it, until the others have failed over. */
export async function partition(
  site: RepmgrSite,
  old: PgNode,
  {side, how}: Readonly<{side: readonly string[]; how: 'drop' | 'reset'}>,
): Promise<Seen> {
  const {net, routers} = site
  const rest = site.machines.filter((name) => !side.includes(name))
  for (const one of side)
    for (const other of rest)
      if (how === 'drop') await net.cut(one, other)
      else {
        await net.reset(one, other, 'all')
        await net.reset(other, one, 'all')
      }
  const {next, at} = await promotedBeside(site, old)
  const hosts = all(site).filter((host) => rest.includes(host))
  await hear(site, hosts, next, 'confirms 2 of 3')
  await hear(site, [old.name], old, 'silent 1 of 3')
  await haveStates(site, {[old.name]: 'unknown', [next.name]: 'primary'})
  await writesGoTo(
    next,
    routers.filter(({name}) => rest.includes(name)),
  )
  await net.heal()
  await splitBrain(site, old, next)
  await mend(site, old, next)
  return seenOfOld(site, next, old, at)
}

/** A standby is promoted behind the back of repmgr, beside a healthy primary. */
export async function promotedByHand(site: RepmgrSite, primary: PgNode, stray: PgNode): Promise<Seen> {
  await site.repmgr.stopDaemons()
  const at = now()
  await stray.promote()
  await haveStates(site, {[primary.name]: 'unknown', [stray.name]: 'unknown'})
  await hear(site, all(site), stray, `denies the table of ${stray.name} itself names ${primary.name}`)
  const others = (await followersOf(primary)).filter((name) => name !== 'host4')
  await hear(site, all(site), primary, `confirms ${1 + others.length} of 3`)
  // It does not say that it stops, and its timeline is the higher one: it takes an operator to overrule it.
  await stray.kill()
  await haveStates(site, {[primary.name]: 'unknown', [stray.name]: 'down'})
  for (const daemon of Object.values(site.daemons)) await daemon.order(`/v1/hosts/${primary.name}/accept`)
  await haveStates(site, {[primary.name]: 'primary', [stray.name]: 'down'})
  await mend(site, stray, primary)
  return seenOfStray(site, primary, stray, at)
}
