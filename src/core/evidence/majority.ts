import {type GroupView, type Member, oldest} from '../facts/group-view.ts'
import type {SourceAnswer} from './evidence-source.ts'

/**
 * `majority`: more than half of the configured hosts answer. A daemon that is cut off in a minority
 * with the old primary does not route to it. Not exclusive: see DESIGN 4.2.
 */
export function assessMajority(leader: Member, view: GroupView): SourceAnswer {
  const answering = view.members.filter(({condition}) => condition.role !== 'unavailable')
  const isMost = answering.length * 2 > view.members.length
  const why = `${answering.length} of ${view.members.length} hosts answer`
  return {
    subject: leader.host,
    answer: isMost ? 'confirms' : 'denies',
    why,
    askedAt: oldest(isMost ? answering : view.members),
  }
}
