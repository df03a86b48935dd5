import type {SourceAnswer} from '../../core/evidence/evidence-source.ts'
import {type GroupView, type Member, memberOf} from '../../core/facts/group-view.ts'
import {enumerate} from '../../core/phrases.ts'
import {type Vote, voteByMetadata, voteOf, type Word} from './vote.ts'

/** One configured peer, what it said last, and why its latest question failed; `null`: it did not. */
export type Voter = Readonly<{name: string; isWitness: boolean; word: Word | null; trouble: string | null}>

/** This process, as its own `/v1/view` names it. */
export type Us = Readonly<{epoch: string; machineId: string | null}>

export type Tally = Readonly<{voters: readonly Voter[]; us: Us; maxAgeMs: number}>

/** Does the witness count (DESIGN 4.3)? It makes an even number of data nodes odd. */
export const countsWitness = (dataNodes: number): boolean => dataNodes % 2 === 0

/**
 * `peers`: more than half of this daemon and its peers name `leader`, each by its own SQL. Every configured
 * peer is in the count, silent or not; those that are this very process are not. A machine has one vote. One
 * peer that sees a later timeline denies, whatever the others say: there was a promotion that `leader` missed.
 */
export function assessPeers(leader: Member, view: GroupView, {voters, us, maxAgeMs}: Tally): SourceAnswer {
  const counted = voters
    .filter(({isWitness}) => !isWitness || countsWitness(view.members.length))
    .filter(({word}) => !isUs(word, us))
  const ballots = counted.map(
    (voter): Ballot => ({
      name: voter.name,
      machine: machineOf(voter, us),
      vote: voteBy(voter, {leader, view, maxAgeMs}),
    }),
  )
  if (ballots.length === 0)
    return {subject: null, answer: 'silent', why: 'there is no peer beside this daemon', askedAt: null}
  return count(leader, view, ballots, maxAgeMs)
}

type Ballot = Readonly<{name: string; machine: string; vote: Vote}>
const ourMachine = 'ours'

function count(leader: Member, view: GroupView, ballots: readonly Ballot[], maxAgeMs: number): SourceAnswer {
  const total = 1 + ballots.length
  const isMost = (votes: number) => votes * 2 > total
  const ahead = ballots.flatMap(({name, vote}) => (vote.kind === 'ahead' ? [{name, vote}] : []))[0]
  if (ahead !== undefined) {
    const {name, vote} = ahead
    const freshUntil = vote.at + maxAgeMs
    return {subject: leader.host, answer: 'denies', why: `${name} ${vote.why}`, askedAt: vote.at, freshUntil}
  }
  const own = ownVote(leader, view)
  const yes = byMachine(ballots).sort((one, other) => other.at - one.at)
  const names = [...(own === null ? [] : ['this daemon']), ...yes.map(({name}) => name)]
  const others = ballots.filter(({name}) => !names.includes(name)).map(uncounted)
  const why = [`${names.length} of ${total} name ${leader.host} (${enumerate(names)})`, ...others].join('; ')
  if (isMost(names.length)) {
    // The freshest votes that make the majority: with the oldest of these, it ends.
    const needed = Math.floor(total / 2) + 1 - (own === null ? 0 : 1)
    const at = yes[needed - 1]?.at ?? view.now
    return {subject: leader.host, answer: 'confirms', why, askedAt: Math.min(at, own ?? at), freshUntil: at + maxAgeMs}
  }
  const no = ballots.flatMap(({vote}) => (vote.kind === 'no' ? [vote] : []))
  const unknown = ballots.filter(({vote}) => vote.kind === 'unknown').length + (own === null ? 1 : 0)
  const isDenied = no.length > 0 && !isMost(names.length + unknown)
  const at = Math.min(...no.map((vote) => vote.at))
  if (!isDenied) return {subject: leader.host, answer: 'silent', why, askedAt: null}
  const named = new Set(no.flatMap((vote) => vote.names ?? []))
  const [other] = named
  const subject = named.size === 1 && other !== undefined ? other : leader.host
  return {subject, answer: 'denies', why, askedAt: at, freshUntil: at + maxAgeMs}
}

/** Why a ballot is none for the host, in words. */
const uncounted = ({name, vote}: Ballot): string =>
  `${name} ${vote.why}${vote.kind === 'yes' ? ', but its machine has voted' : ''}`

/**
 * Machines that vote for the host, each once, with its oldest answer. A machine of which one process says
 * no has no vote, and ours has the vote of this daemon already.
 */
function byMachine(ballots: readonly Ballot[]): Readonly<{name: string; at: number}>[] {
  const machines = Map.groupBy(ballots, ({machine}) => machine)
  return [...machines].flatMap(([machine, those]) => {
    if (machine === ourMachine || those.some(({vote}) => vote.kind === 'no')) return []
    const yes = those.flatMap(({name, vote}) => (vote.kind === 'yes' ? [{name, at: vote.at}] : []))
    const [first] = yes
    return first === undefined ? [] : [{name: first.name, at: Math.min(...yes.map(({at}) => at))}]
  })
}

/** When this daemon asked `leader`, where it names it itself; `null`: it does not reach it, or sees another primary. */
function ownVote(leader: Member, view: GroupView): number | null {
  const primaries = view.members.filter(({session}) => session === 'primary')
  const own = memberOf(view, leader.host)
  return primaries.length === 1 && primaries[0]?.host === leader.host && own?.condition.role === 'primary'
    ? own.askedAt
    : null
}

function voteBy({word, trouble}: Voter, question: Parameters<typeof voteByMetadata>[1]): Vote {
  if (word === null) return {kind: 'unknown', why: trouble ?? 'was not heard yet'}
  const vote = word.kind === 'view' ? voteOf(word, question) : voteByMetadata(word, question)
  return vote.kind === 'unknown' && trouble !== null ? {kind: 'unknown', why: trouble} : vote
}

const isUs = (word: Word | null, us: Us): boolean =>
  word?.kind === 'view' && word.view.epoch === us.epoch && word.view.machineId === us.machineId

/** Without an identifier of the machine, two names of one process are one voter, and two processes are two. */
function machineOf({name, word}: Voter, us: Us): string {
  if (word?.kind !== 'view') return `peer ${name}`
  const {machineId, epoch} = word.view
  if (machineId === null) return `epoch ${epoch}`
  return machineId === us.machineId ? ourMachine : machineId
}
