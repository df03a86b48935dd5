import {bareHost} from '../core/offers/bare-host.ts'
import type {Answer} from './answer.ts'
import {type Heard, leaderWord} from './claim.ts'
import type {Cluster, ClusterMember} from './data/cluster.ts'
import type {Status} from './data/status.ts'
import type {MemberAddress} from './discovery/discovery.ts'

/**
 * A cluster by what each member says of itself, for when the DCS cannot be read. Members that are
 * silent are left out, and none has a lag. `null`: all are silent.
 */
export async function clusterOf(
  addresses: readonly MemberAddress[],
  ask: (url: string) => Promise<Heard>,
): Promise<Answer<Cluster> | null> {
  const heard = await Promise.all(addresses.map(async (address) => ({address, word: await ask(address.url)})))
  const members = heard.flatMap(({address, word}) => ('answer' in word ? (memberOf(address, word.answer) ?? []) : []))
  const first = heard.flatMap(({word}) => ('answer' in word && word.answer.data !== null ? [word.answer] : []))[0]
  if (first === undefined) return null
  const {scope} = first.data?.patroni ?? {}
  const isPaused = heard.some(({word}) => 'answer' in word && word.answer.data?.pause === true)
  return {...first, data: {members, ...(scope !== undefined && {scope}), ...(isPaused && {pause: true})}}
}

function memberOf({url, name}: MemberAddress, answer: Answer<Status>): ClusterMember | null {
  const status = answer.data
  if (status === null) return null
  const word = leaderWord(answer)
  const isLeader = word.kind === 'claim'
  const host = bareHost(new URL(url))
  return {
    name: status.patroni?.name ?? name ?? url,
    role: isLeader ? (word.of === 'standby' ? 'standby_leader' : 'leader') : status.role,
    state: status.replication_state === 'streaming' ? 'streaming' : status.state,
    api_url: `${url}/patroni`,
    host,
    ...(typeof status.timeline === 'number' && {timeline: status.timeline}),
    ...(status.tags !== undefined && {tags: status.tags}),
    ...(status.pending_restart === true && {pending_restart: true}),
  }
}
