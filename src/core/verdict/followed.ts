import {doubtOfIdentity} from '../evidence/doubt-of-identity.ts'
import {memberOf} from '../facts/group-view.ts'
import {enumerate} from '../phrases.ts'
import type {Decision} from '../snapshot.ts'
import {aheadOf} from './ahead.ts'
import {evidenceOf, type Findings, type Outcome} from './findings.ts'
import {proofOf} from './sustained.ts'

/**
 * V4u: only we cannot reach the primary, and most hosts go on receiving from it. Routers may have
 * another way to it, so it stays routed, for a while.
 */
export function whenFollowed(findings: Findings): Outcome | null {
  const {view, settings, memory, notes} = findings
  const {routed} = notes
  if (routed === null || (routed.phase !== 'lost' && routed.phase !== 'followed')) return null
  const endsAt = routed.lostAt + settings.sustainMs
  const proof = proofOf(routed, view)
  if (proof === null || view.now > endsAt || aheadOf(routed.last, view, memory) !== null) return null
  const {host} = routed.last
  const evidence = [...doubtOfIdentity(routed.last, view), ...evidenceOf(routed.last, findings)]
  if (evidence.some(({required, answer}) => required && answer !== 'confirms')) return null
  const cause = memberOf(view, host)?.condition.cause
  const others = enumerate(proof.hosts)
  const goOn = proof.hosts.length === 1 ? 'goes on' : 'go on'
  const why =
    `${host} is out of reach for pgroute66 (${cause}), but ${others} ${goOn} receiving from it: ` +
    `${host} stays routed, for ${settings.sustainMs / 1_000} s at most`
  const decision: Decision = {kind: 'primary', rule: 'V4', primary: host, routedTo: host, why}
  return {decision, situation: 'unreachable-but-followed', evidence, until: Math.min(proof.until, endsAt)}
}
