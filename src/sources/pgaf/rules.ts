import type {SourceAnswer} from '../../core/evidence/evidence-source.ts'
import type {GroupView, Member} from '../../core/facts/group-view.ts'
import {addressesOf, factsOf, type HostRecord} from '../../core/facts/host-record.ts'
import {enumerate} from '../../core/phrases.ts'
import type {PgafSettings} from '../../core/settings.ts'
import {isPrimaryState, type PgafNode} from './formation.ts'

/** What the monitor said last, or why it said nothing. `askedAt`: monotonic. */
export type PgafReading =
  | Readonly<{kind: 'nodes'; askedAt: number; nodes: readonly PgafNode[]}>
  | Readonly<{kind: 'unreadable'; askedAt: number; detail: string}>

export type PgafQuestion = Readonly<{
  leader: Member
  view: GroupView
  /** `null`: it was not asked yet. */
  reading: PgafReading | null
  settings: PgafSettings
  /** An older answer of the monitor does not count. */
  maxAgeMs: number
}>

/**
 * Does the monitor of pg_auto_failover confirm `leader`? Rules F1 to F5 of src/core/SPEC.md. What the
 * monitor assigns is its will, what a node reports is its deed: a primary is both.
 */
export function assessPgaf(question: PgafQuestion): SourceAnswer {
  const {leader, view, reading, settings, maxAgeMs} = question
  const {host} = leader
  const silent = (why: string, askedAt: number | null = null): SourceAnswer => ({
    subject: host,
    answer: 'silent',
    why,
    askedAt,
  })
  if (reading === null) return silent('the monitor was not asked yet')
  const {askedAt} = reading
  if (reading.kind === 'unreadable') return silent(reading.detail, askedAt)
  if (view.now - askedAt > maxAgeMs)
    return silent(`the monitor answered last ${Math.round((view.now - askedAt) / 1_000)} s ago`, askedAt)
  const freshUntil = askedAt + maxAgeMs
  const denies = (why: string, subject = host): SourceAnswer => ({subject, answer: 'denies', why, askedAt, freshUntil})

  const [node, ...others] = nodesOf(host, leader.record, reading.nodes, settings)
  if (node === undefined) return denies(notRegistered(host, reading.nodes, settings))
  if (others.length > 0)
    return denies(`the monitor has several nodes for ${host}: ${enumerate([node, ...others].map(({name}) => name))}`)
  const cluster = factsOf(leader.record)?.session.systemIdentifier ?? null
  if (cluster !== null && node.systemIdentifier !== null && node.systemIdentifier !== cluster)
    return denies(`the monitor's node ${node.name} is of cluster ${node.systemIdentifier}, and ${host} of ${cluster}`)

  const rival = reading.nodes.find((other) => other !== node && isPrimaryState(other.assigned))
  if (rival !== undefined)
    return denies(`the monitor assigns ${rival.assigned} to ${rival.name}`, hostOf(rival, question))
  if (!isPrimaryState(node.assigned)) return denies(`the monitor assigns ${node.assigned} to ${node.name}`)
  const states = `${node.name} reports ${node.reported}, and is assigned ${node.assigned}`
  if (!isPrimaryState(node.reported)) return {...silent(states, askedAt), freshUntil}
  // The report was already this old when the question left, or arrived after it.
  const reportedAt = askedAt - node.reportAgeMs
  const reportCountsUntil = reportedAt + settings.maxAgeMs
  if (view.now > reportCountsUntil)
    return silent(`${states}; its report is ${Math.round((view.now - reportedAt) / 1_000)} s old`, reportedAt)
  return {
    subject: host,
    answer: 'confirms',
    why: states,
    askedAt: Math.min(reportedAt, leader.askedAt ?? reportedAt),
    freshUntil: Math.min(freshUntil, reportCountsUntil),
  }
}

/** By the configured name, else by address and port, else by the name of the host. */
export function nodesOf(
  host: string,
  record: HostRecord,
  nodes: readonly PgafNode[],
  settings: PgafSettings,
): readonly PgafNode[] {
  const name = settings.nodes[host]
  if (name !== undefined) return nodes.filter((node) => node.name === name)
  const addresses = addressesOf(record)
  const {port} = record.settings.connection
  const addressed = nodes.filter((node) => node.port === port && addresses.includes(node.host))
  return addressed.length > 0 ? addressed : nodes.filter((node) => node.name === host)
}

const hostOf = (node: PgafNode, {leader, view, settings, reading}: PgafQuestion): string => {
  const nodes = reading?.kind === 'nodes' ? reading.nodes : []
  const isIts = ({host, record}: Member) => nodesOf(host, record, nodes, settings).includes(node)
  return view.members.find(isIts)?.host ?? leader.host
}

function notRegistered(host: string, nodes: readonly PgafNode[], {formation, group}: PgafSettings): string {
  const known = nodes.map(({name, host: at, port}) => `${name} at ${at}:${port}`).join(', ') || 'none'
  const where = `formation ${formation}, group ${group}`
  return `the monitor has no node for ${host} in ${where} (nodes: ${known}; see pgaf.node)`
}
