import {EtcdError} from '../../etcd/error.ts'
import {type Answer, dcsAgeSeconds} from '../../patroni/answer.ts'
import {type Heard, type Leader, leaderOf} from '../../patroni/claim.ts'
import {askLeader, type PatroniClient} from '../../patroni/client.ts'
import type {Cluster} from '../../patroni/data/cluster.ts'
import type {Status} from '../../patroni/data/status.ts'
import type {MemberAddress} from '../../patroni/discovery/discovery.ts'
import {addressesOf, type Tree, type TreeDiscovery} from '../../patroni/discovery/tree.ts'
import {PatroniError} from '../../patroni/error.ts'
import {toldUrl} from '../../patroni/transport.ts'
import type {Site} from './site.ts'
import type {SqlView} from './sql-view.ts'

/** A member, with what it said of itself. */
export type Asked = Readonly<{name: string; url: string; heard: Heard}>

/** All that a command asked, at one moment. */
export type Overview = Readonly<{
  /** Who leads, by each member's own word. */
  leader: Leader
  asked: readonly Asked[]
  /** The cluster as its DCS knows it; `null`: no member can read it. */
  dcs: Cluster | null
  /** By `--etcd`. */
  tree: Tree | null
  /** The seconds since a member has last read the DCS, and which member that was. */
  dcsSeen: Readonly<{member: string; seconds: number}> | null
  /** By the configuration: what the daemon sees by SQL. */
  sql: SqlView | null
  /** Why etcd did not answer, where the members are known without it. */
  treeSilence: string | null
}>

/**
 * Asks each member for itself, then for the cluster. In this order: GET /cluster reads the DCS, and
 * a member that has lost it for a while would look fresh. Rejects with EtcdError where etcd was
 * named and does not answer.
 */
export async function overviewOf({client, given, tree: discovery, sql: viewed}: Site): Promise<Overview> {
  const sql = viewed?.() ?? null
  const {tree, why: treeSilence} = await treeBy(discovery, given.length > 0)
  const first = await askAll(client, given.length > 0 || tree === null ? given : addressesOf(tree))
  const alive = first.flatMap(({heard}) => ('answer' in heard ? [heard.member] : []))
  // The DCS may be away, and then this waits as long as a question may take.
  const [dcs, failsafe] = await Promise.all([anyOf(alive, clusterAt(client)), anyOf(alive, failsafeAt(client))])
  const told = dcs === null ? (failsafe ?? []) : membersOf(dcs)
  const others = await askAll(
    client,
    told.filter(({url, name}) => !first.some((one) => one.url === url || nameIn(one.heard) === name)),
  )
  const asked = named([...first, ...others], told)
  const ttl = typeof tree?.config.ttl === 'number' ? tree.config.ttl : undefined
  const leader = leaderOf(
    asked.map(({heard}) => heard),
    ttl,
  )
  return {leader, asked, dcs, tree, dcsSeen: latestLook(asked), sql: await sql, treeSilence}
}

/** With members at hand, an etcd that is silent takes nothing but the comparison with its leader key. */
async function treeBy(
  discovery: TreeDiscovery | null,
  isOptional: boolean,
): Promise<Readonly<{tree: Tree | null; why: string | null}>> {
  if (discovery === null) return {tree: null, why: null}
  try {
    return {tree: await discovery.tree(), why: null}
  } catch (error) {
    if (isOptional && error instanceof EtcdError) return {tree: null, why: error.message}
    throw error
  }
}

type Unnamed = Readonly<{url: string; name: string | null; heard: Heard}>
const askAll = (client: PatroniClient, addresses: readonly MemberAddress[]): Promise<readonly Unnamed[]> =>
  Promise.all(addresses.map(async ({url, name}) => ({url, name, heard: await askLeader(client.at(url))})))

/** The first answer that is one; `null`: there is none. */
async function anyOf<T>(urls: readonly string[], ask: (url: string) => Promise<T | null>): Promise<T | null> {
  const {promise, resolve} = Promise.withResolvers<T | null>()
  const all = urls.map(async (url) => {
    const found = await ask(url).catch((error: unknown) => {
      if (error instanceof PatroniError) return null
      throw error
    })
    if (found !== null) resolve(found)
  })
  return Promise.race([promise, Promise.all(all).then(() => null)])
}

const clusterAt = (client: PatroniClient) => async (url: string) => {
  const {data} = await client.at(url).cluster()
  return data === null || data.members.length === 0 ? null : data
}

const failsafeAt = (client: PatroniClient) => async (url: string) => {
  const {data} = await client.at(url).failsafe()
  return data === null ? null : Object.entries(data).flatMap(([name, api]) => addressed(name, api))
}

const membersOf = ({members}: Cluster): readonly MemberAddress[] =>
  members.flatMap(({name, api_url: api}) => addressed(name, api))

function addressed(name: string, api: string | undefined): readonly MemberAddress[] {
  const url = toldUrl(api)
  return url === null ? [] : [{name, url}]
}

const statusIn = (heard: Heard): Status | null => ('answer' in heard ? heard.answer.data : null)
/** Told from Patroni 3.2 on. */
const nameIn = (heard: Heard): string | null => statusIn(heard)?.patroni?.name ?? null

/**
 * Each with its name, and each once: the address that was given may be another one of a member that
 * was told, and then both answers have one start of PostgreSQL, to the microsecond.
 */
function named(asked: readonly Unnamed[], told: readonly MemberAddress[]): readonly Asked[] {
  const nameOf = ({url, name, heard}: Unnamed) =>
    nameIn(heard) ?? name ?? told.find((one) => one.url === url)?.name ?? null
  const startOf = ({heard}: Unnamed) => statusIn(heard)?.postmaster_start_time ?? null
  const isAgain = (one: Unnamed, index: number) =>
    nameOf(one) === null &&
    startOf(one) !== null &&
    asked.some((other, at) => at !== index && nameOf(other) !== null && startOf(other) === startOf(one))
  return asked.flatMap((one, index) =>
    isAgain(one, index)
      ? []
      : [{url: one.url, heard: one.heard, name: nameOf(one) ?? one.url.replace(/^https?:\/\//, '')}],
  )
}

function latestLook(asked: readonly Asked[]): Overview['dcsSeen'] {
  const looks = asked.flatMap(({name, heard}) => {
    const seconds = 'answer' in heard ? ageIn(heard.answer) : null
    return seconds === null ? [] : [{member: name, seconds}]
  })
  return looks.sort((one, other) => one.seconds - other.seconds)[0] ?? null
}

const ageIn = (answer: Answer<Status>): number | null => dcsAgeSeconds(answer)
