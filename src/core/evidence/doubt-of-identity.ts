import type {GroupView, Member} from '../facts/group-view.ts'
import {areIs} from '../phrases.ts'
import type {Evidence} from '../snapshot.ts'
import {identitySource} from './confirmation.ts'

/**
 * Hosts of different clusters and no majority among them: no host is routed to until an operator
 * says which cluster is the right one (DESIGN 4.1).
 */
export function doubtOfIdentity(primary: Member, {identity}: GroupView): readonly Evidence[] {
  if (identity.kind !== 'tied') return []
  const sides = Object.entries(identity.found).map(([identifier, hosts]) => `${areIs(hosts)} of cluster ${identifier}`)
  const advice = 'set system_identifier, or run "pgroute66 accept HOST" for a host of the right cluster'
  const why = `${sides.join(', ')}, and no cluster has a majority; ${advice}`
  return [
    {
      source: identitySource,
      subject: primary.host,
      answer: 'denies',
      contradictsSql: false,
      required: true,
      why,
      askedAt: primary.askedAt,
    },
  ]
}
