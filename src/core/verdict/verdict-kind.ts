import type {Verdict} from '../snapshot.ts'

/**
 * What consumers ask of a verdict. They ask here and not by the id of the rule, so that a new rule
 * finds every place that has to know it. Apart from the judge, which the fast path does not load.
 */

/** V0: nothing is known yet, at the start or after a gap. Routers stay as they are. */
export const isStarting = ({kind}: Verdict): boolean => kind === 'starting'

/** V4: one primary, confirmed as required. It may be drained all the same. */
export const isSettled = (verdict: Verdict): verdict is Verdict & {kind: 'primary'} => verdict.kind === 'primary'

/** V4u: the routed primary is out of reach for us, and proven to live. */
export const isUnreachable = ({situation}: Pick<Verdict, 'situation'>): boolean =>
  situation === 'unreachable-but-followed'

/** V4, and the primary answers us: nothing is to be watched closely. */
export const isInSight = (verdict: Verdict): boolean => isSettled(verdict) && !isUnreachable(verdict)

/** V1: more than one host is primary. */
export const isSplitBrain = (verdict: Verdict): verdict is Verdict & {kind: 'split-brain'} =>
  verdict.kind === 'split-brain'

/** V0 to V3: a host that answers as primary may be the wrong one. V5 is no doubt: there is none. */
export const isDoubtful = ({kind}: Verdict): boolean =>
  kind === 'starting' || kind === 'split-brain' || kind === 'unconfirmed'

/** One host of the group may be written to. */
export const mayRoute = (verdict: Verdict): verdict is Verdict & {routedTo: string} => verdict.routedTo !== null

/**
 * V3 between rivals: several hosts answered as primary, and are asked again before V1 is called.
 */
export const isAskingAgain = ({rule, primaries}: Verdict): boolean => rule === 'V3' && primaries.length > 1

/** The host that looks stale in a split brain; `null`: none, or no split brain. */
export const suspectOf = (verdict: Verdict): string | null => (isSplitBrain(verdict) ? verdict.suspect : null)

/**
 * The verdict speaks against writing to `host`: it has rivals (V1), a newer timeline was seen (V2),
 * or another host is routed to. A missing confirmation (V3) says nothing against a host.
 */
export const speaksAgainst = ({rule, primary, routedTo}: Verdict, host: string): boolean =>
  rule === 'V1' || (rule === 'V2' && primary === host) || (routedTo !== null && routedTo !== host)

/**
 * Every byte that a doubtful primary writes is one more to lose, so pgroute66 writes no heartbeat
 * to it. A missing confirmation (V3) does not make it doubtful in this sense; a refused promotion does.
 */
export const mayLoseWrites = ({rule, situation}: Verdict): boolean =>
  rule === 'V0' || rule === 'V1' || rule === 'V2' || (rule === 'V3' && situation === 'lossy-promotion')
