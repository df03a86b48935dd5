import {OperatorError} from '../../core/errors.ts'
import type {PatroniClient} from '../../patroni/client.ts'
import type {ClusterMember} from '../../patroni/data/cluster.ts'
import {PatroniError} from '../../patroni/error.ts'
import type {PatroniMember} from '../../patroni/member.ts'
import {toldUrl} from '../../patroni/transport.ts'
import type {WireHost} from '../../protocol/snapshot-json.ts'
import {notReadable} from '../patroni/site.ts'
import type {Move, Tool, ToolEnd} from './tool.ts'

type Hosts = Readonly<Record<string, Pick<WireHost, 'address' | 'port'>>>
export type PatroniSite = Readonly<{
  client: PatroniClient
  hosts: Hosts
  /** Host → its name in Patroni, where the configuration says so. */
  members: Readonly<Record<string, string>>
}>

/**
 * Patroni's REST API. The order goes to the present leader: its loop begins at once, and the order of
 * another member waits for the leader's next loop. Throws OperatorError where a member is not found.
 */
export async function patroniTool({client, hosts, members}: PatroniSite, {from, to}: Move): Promise<Tool> {
  const {data, member: asked, status} = await client.cluster()
  if (data === null) throw notReadable(asked, status)
  if (data.pause) {
    const next = 'Run "pgroute66 patroni resume" first.'
    throw new OperatorError('SWITCHOVER_REFUSED', 'Patroni is paused: it would not start PostgreSQL again', next)
  }
  const find = (host: string) => memberOf(host, data.members, {hosts, members})
  const leader = find(from)
  const candidate = to === null ? null : find(to)
  const url = toldUrl(leader.api_url)
  const member = url === null ? await client.member(leader.name) : client.at(url)
  const order = {leader: leader.name, ...(candidate && {candidate: candidate.name})}
  return {
    about: `Patroni, by ${member.url}`,
    run: (_, signal) => give(member, order, signal),
    async withdraw() {
      const {text} = await member.cancelSwitchover()
      return `Patroni: ${text}`
    },
  }
}

async function give(
  member: PatroniMember,
  order: Parameters<PatroniMember['switchover']>[0],
  signal: AbortSignal,
): Promise<ToolEnd> {
  try {
    const {outcome, text} = await member.switchover(order, {signal})
    if (outcome === 'done' || outcome === 'scheduled') return {kind: 'done', text}
    return {kind: outcome === 'unknown' ? 'unknown' : 'failed', text: `Patroni refused: ${text}`}
  } catch (error) {
    if (!(error instanceof PatroniError)) throw error
    return {kind: error.delivery === 'not-sent' ? 'failed' : 'unknown', text: error.message}
  }
}

function memberOf(
  host: string,
  all: readonly ClusterMember[],
  {hosts, members}: Pick<PatroniSite, 'hosts' | 'members'>,
): ClusterMember {
  const {[host]: place} = hosts
  const named = members[host]
  const found =
    named === undefined
      ? all.filter((one) => one.host === place?.address && Number(one.port) === place?.port)
      : all.filter(({name}) => name === named)
  const [first, second] = found
  if (first !== undefined && second === undefined) return first
  const next = `Write patroni.members, "{${host}: NAME}". Members: ${all.map(({name}) => name).join(', ')}.`
  throw new OperatorError('SWITCHOVER_REFUSED', `no member of Patroni is known to be ${host}`, next)
}
