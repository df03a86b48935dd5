import type {SourceAnswer} from '../../core/evidence/evidence-source.ts'
import {following} from '../../core/evidence/followers.ts'
import {type GroupView, type Member, memberOf} from '../../core/facts/group-view.ts'
import {foldNode, nodeOfHost} from '../../core/ha-tools/repmgr.ts'
import {enumerate} from '../../core/phrases.ts'
import type {RepmgrSettings} from '../../core/settings.ts'
import type {Answer} from '../../core/vocabulary.ts'
import {activePrimaries, electorateOf, type NodeRow, type Reading, rowsOf} from './table.ts'

export type RepmgrQuestion = Readonly<{
  leader: Member
  view: GroupView
  /** By host: what its own table said last. */
  readings: ReadonlyMap<string, Reading>
  settings: RepmgrSettings
  /** An older reading does not count; nor does an older message of a follower. */
  limits: Readonly<{maxAgeMs: number; followersMaxAgeMs: number}>
}>

type Table = Extract<Reading, {kind: 'table'}>
type Vote = Readonly<{node: string; vote: 'yes' | 'no' | 'unknown'; why: string; askedAt?: number}>

/**
 * repmgr writes the promotion into its table about 100 ms after the server has become a primary
 * (seen with 5.3.3). The table of a host that has just been promoted may be behind for this long.
 */
const promotionMs = 2_000

/**
 * Does repmgr's metadata confirm `leader`? Rules M1 to M6 of src/core/SPEC.md. A vote is two things at
 * once: a data node streams from `leader` now, and its own table names `leader` alone. The table by
 * itself is no vote, because a standby's table is the primary's, replicated, and has no time.
 */
export function assessRepmgr(question: RepmgrQuestion): SourceAnswer {
  const {leader, settings} = question
  const {host} = leader
  const own = tableOf(host, question)
  if (typeof own === 'string') return answer('silent', own, {subject: host, askedAt: leader.askedAt})
  const about = {
    subject: host,
    askedAt: Math.min(own.askedAt, leader.askedAt ?? own.askedAt),
    freshUntil: own.askedAt + question.limits.maxAgeMs,
  }
  const node = nodeOfHost(settings, host)
  const [row, ...others] = rowsOf(own.rows, node)
  if (row === undefined) return answer('denies', notRegistered(host, node, own), about)
  if (others.length > 0) {
    const names = enumerate([row, ...others].map(({name}) => name))
    return answer('denies', `the table of ${host} has several nodes for it: ${names}`, about)
  }
  const named = activePrimaries(own.rows)
  if (!isExactly(named, node)) {
    const why = `the table of ${host} itself names ${named.length === 0 ? 'no active primary' : enumerate(named)}`
    const until = promotedUntil(question)
    return until === null
      ? answer('denies', why, about)
      : answer('silent', `${why}, and ${host} was promoted just now`, {
          ...about,
          freshUntil: Math.min(until, about.freshUntil),
        })
  }
  return count(question, row, own, about)
}

/** The host's table while it counts; else why not. */
function tableOf(host: string, {view, readings, limits}: RepmgrQuestion): Table | string {
  const reading = readings.get(host)
  if (reading === undefined) return `the table of ${host} was not read yet`
  if (reading.kind === 'unreadable') return reading.detail
  const ageMs = view.now - reading.askedAt
  return ageMs <= limits.maxAgeMs ? reading : `the table of ${host} was read ${Math.round(ageMs / 1_000)} s ago`
}

const isExactly = (named: readonly string[], node: string) => named.length === 1 && named[0] === node

function notRegistered(host: string, node: string, {rows}: Table): string {
  const known = rows.filter(({type}) => type !== 'witness').map(({name}) => name)
  const names = known.length === 0 ? 'none' : known.join(', ')
  return `${host} is not registered: its own table has no node "${node}" (nodes: ${names}; see repmgr.node)`
}

/**
 * Until when the table of a host may be behind its promotion; `null`: its promotion was not seen, or
 * is longer ago. An old primary that comes back was not promoted: nothing excuses its table.
 */
function promotedUntil({leader, view}: RepmgrQuestion): number | null {
  const {primarySince, answersSince} = leader.record
  const wasSeen = primarySince !== null && answersSince !== null && answersSince <= primarySince
  if (!wasSeen) return null
  return view.now - primarySince < promotionMs ? primarySince + promotionMs - 1 : null
}

function count(
  question: RepmgrQuestion,
  row: NodeRow,
  own: Table,
  about: Readonly<{subject: string; askedAt: number; freshUntil: number}>,
): SourceAnswer {
  const {leader, limits} = question
  const electorate = electorateOf(own.rows, row)
  const votes = electorate.filter(({id}) => id !== row.id).map((each) => voteOf(each, own, question))
  const yes = votes.filter(({vote}) => vote === 'yes')
  const unknown = votes.filter(({vote}) => vote === 'unknown')
  const isMost = (voters: number) => voters * 2 > electorate.length
  const said = [`${leader.host} itself`, ...votes.map(({why}) => why)].join('; ')
  const why = `${1 + yes.length} of ${electorate.length} data nodes in location ${row.location}: ${said}`
  if (votes.length === 0) return answer('silent', `${why}. A primary needs the word of another node`, about)
  if (!isMost(1 + yes.length)) return answer(isMost(1 + yes.length + unknown.length) ? 'silent' : 'denies', why, about)
  const askedAt = Math.min(about.askedAt, ...yes.map((vote) => vote.askedAt ?? about.askedAt))
  const read = yes.map(({node}) => readingOfNode(node, question)?.askedAt ?? own.askedAt)
  const freshUntil = Math.min(own.askedAt, ...read) + limits.maxAgeMs
  return answer('confirms', why, {...about, askedAt, freshUntil})
}

/** The vote of another data node than the leader's. */
function voteOf({name}: NodeRow, own: Table, question: RepmgrQuestion): Vote {
  const {leader, view, limits, settings} = question
  const node = foldNode(name)
  const host = hostOfNode(node, question)
  const member = host === null ? null : memberOf(view, host)
  const isAmbiguous = rowsOf(own.rows, node).length > 1
  if (member === null || isAmbiguous) {
    const why = isAmbiguous ? `${name} is there twice` : `${name} is the node of no configured host`
    return {node, vote: 'no', why}
  }
  const {follows, why} = following(member, leader, view, limits.followersMaxAgeMs)
  if (follows !== true) return {node, vote: follows === null ? 'unknown' : 'no', why}
  const table = tableOf(member.host, question)
  if (typeof table === 'string') return {node, vote: 'unknown', why: `${why}, but ${table}`}
  const named = activePrimaries(table.rows)
  if (isExactly(named, nodeOfHost(settings, leader.host))) {
    const askedAt = Math.min(member.askedAt ?? table.askedAt, table.askedAt)
    return {node, vote: 'yes', why: `${member.host} follows and names it`, askedAt}
  }
  return {node, vote: 'unknown', why: `${member.host} follows it, but names ${enumerate(named)}`}
}

const hostOfNode = (node: string, {view, settings}: RepmgrQuestion): string | null =>
  view.members.find(({host}) => nodeOfHost(settings, host) === node)?.host ?? null

function readingOfNode(node: string, question: RepmgrQuestion): Reading | undefined {
  const host = hostOfNode(node, question)
  return host === null ? undefined : question.readings.get(host)
}

const answer = (
  said: Answer,
  why: string,
  about: Readonly<{subject: string; askedAt: number | null; freshUntil?: number}>,
): SourceAnswer => ({...about, answer: said, why})
