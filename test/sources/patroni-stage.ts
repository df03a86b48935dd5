import {readStatus} from '../../src/patroni/data/status.ts'
import type {LeaderKey} from '../../src/sources/patroni/leader-key.ts'
import {type MemberAnswer, memberAnswer} from '../../src/sources/patroni/member-answer.ts'
import type {MemberWord, PatroniCase} from '../../src/sources/patroni/rules.ts'
import {recordings} from '../patroni/recorded.ts'

type Recorded = Readonly<Record<string, Readonly<Record<string, Answered>>>>
type Answered = Readonly<{error: string} | {status: number; date: string; body: Readonly<Record<string, unknown>>}>

/** `GET /leader` of every member in every recorded state of real clusters, by state and member. */
export const recorded: Recorded = Object.fromEntries(
  Object.entries(Object.groupBy(recordings(), ({name}) => name.replace(/-node\d$/, ''))).map(([state, found = []]) => [
    state,
    Object.fromEntries(found.map(({member, answers}) => [member, leaderAnswer(answers)])),
  ]),
)

function leaderAnswer(answers: ReturnType<typeof recordings>[number]['answers']): Answered {
  const found = answers.find(({method, path}) => method === 'GET' && path === '/leader')
  if (found === undefined || found.lost !== undefined) return {error: 'no answer'}
  return {status: found.status, date: found.date, body: JSON.parse(found.body)}
}

/** The moment of every case. */
export const now = 100_000
export const hostOf = (node: string): string | null => (/^node\d$/.test(node) ? node.replace('node', 'host') : null)

/** `ageMs`: how long ago it was asked. */
export function answerOf(answered: Answered, ageMs = 0): MemberAnswer {
  const askedAt = now - ageMs
  if ('error' in answered) return {askedAt, kind: 'none', why: 'does not answer'}
  const {status, date, body} = answered
  return memberAnswer(
    {status, headers: {date}, raw: '', data: readStatus(JSON.parse(JSON.stringify(body)), ''), member: ''},
    askedAt,
  )
}

/** The body of a recorded answer with other fields. */
export function answered(state: string, node: string, body: object = {}, status?: number): Answered {
  const found = recorded[state]?.[node]
  if (found === undefined || 'error' in found) throw new Error(`${state} has no answer of ${node}`)
  return {...found, status: status ?? found.status, body: {...found.body, ...body}}
}

export const word = (node: string, answer: MemberAnswer): MemberWord => ({
  member: node,
  name: node,
  host: hostOf(node),
  answer,
})

export const wordsOf = (state: string): readonly MemberWord[] =>
  Object.entries(recorded[state] ?? {}).map(([node, answer]) => word(node, answerOf(answer)))

/** `leader` of the key, with a lease of which so much is left. */
export const keyOf = (leader: string | null, leftMs = 18_000): LeaderKey => ({
  kind: 'read',
  askedAt: now,
  leader,
  lease: {leftMs, grantedMs: 20_000},
  members: ['node1', 'node2', 'node3'].map((name) => ({
    name,
    state: 'running',
    role: name === leader ? 'primary' : 'replica',
    timeline: null,
    address: null,
    apiUrl: null,
  })),
})
export const unreadKey: LeaderKey = {kind: 'unread', why: 'no endpoint answers'}

/** A case of a recorded state, by the cluster that its members belong to. */
export function caseOf(state: string, more: Partial<PatroniCase> = {}): PatroniCase {
  const members = more.members ?? wordsOf(state)
  const bodies = members.flatMap(({answer}) => (answer.kind === 'answer' ? [answer.body] : []))
  return {
    scope: bodies[0]?.scope ?? 'pg',
    systemIdentifier: bodies.find(({systemIdentifier}) => systemIdentifier !== null)?.systemIdentifier ?? null,
    ttlMs: 20_000,
    loopWaitMs: 2_000,
    now,
    maxAgeMs: 3_000,
    via: 'both',
    members,
    key: null,
    hostOf,
    failsafeMembers: 3,
    disputedForMs: 0,
    ...more,
  }
}
