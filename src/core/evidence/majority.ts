import {type GroupView, type Member, oldest} from '../facts/group-view.ts'
import type {SourceAnswer} from './evidence-source.ts'

/**
 * `majority`: more than half of the configured hosts answer us - so that a minority cut off with
 * the old primary cannot route to it.
 */
export function assessMajority(leader: Member, view: GroupView): SourceAnswer {
  const answering = view.members.filter(({condition: standing}) => standing.role !== 'unavailable')
  const isMost = answering.length * 2 > view.members.length
  const why = `${answering.length} of ${view.members.length} hosts answer`
  return {
    subject: leader.host,
    answer: isMost ? 'confirms' : 'denies',
    why,
    askedAt: oldest(isMost ? answering : view.members),
  }
}
