/** Active masters and standbys as one process knows them: names or addresses, in no order. */
export type ClusterLists = Readonly<{masters: readonly string[]; slaves: readonly string[]}>

/**
 * `lists`: `null`: it refused, failed, or did not answer in time. `askedAt`: monotonic, when the
 * question was sent.
 */
export type Asked = Readonly<{name: string; lists: ClusterLists | null; askedAt: number}>

export type AnyQuestion = Readonly<{
  own: ClusterLists
  /** This host, as the lists name it. */
  me: string
  /** In the order of the configuration. */
  neighbours: readonly Asked[]
  witness: Asked | null
}>

/** `unchanged`: the gates stay as they are, open ones too. */
export type AnyAnswer = Readonly<{
  standing: 'primary' | 'standby' | 'unchanged' | 'denied'
  why: string
  /** Who agreed; `null`: none did. */
  by: Asked | null
}>

/**
 * harepd's own rule (`quorum: any`): the first neighbour that answers decides, and the witness
 * where that one disagrees or none answers. Both halves of some partitions open. harepd waits for
 * ever where a neighbour hangs; here a neighbour that does not answer in time is passed over.
 */
export function anyRule({own, me, neighbours, witness}: AnyQuestion): AnyAnswer {
  const first = neighbours.find(({lists}) => lists !== null)
  if (first !== undefined && areSame(own, first.lists)) return agreed(own, me, first)
  const before = first === undefined ? 'no neighbour answers' : `${first.name} disagrees`
  if (witness?.lists && areSame(own, witness.lists)) return agreed(own, me, witness)
  const last = witness === null ? 'there is no witness' : `${witness.name} ${witness.lists ? 'disagrees' : 'is silent'}`
  return {standing: 'denied', why: `${before}, and ${last}`, by: null}
}

/**
 * As harepd has it: this host may be any of two masters, and a cluster without a master changes
 * nothing.
 */
function agreed({masters}: ClusterLists, me: string, by: Asked): AnyAnswer {
  if (masters.length === 0) return {standing: 'unchanged', why: `${by.name} agrees that there is no master`, by}
  const why = `${by.name} agrees on ${masters.toSorted().join(' and ')}`
  return {standing: masters.includes(me) ? 'primary' : 'standby', why, by}
}

function areSame(one: ClusterLists, other: ClusterLists | null): boolean {
  const key = ({masters, slaves}: ClusterLists) => JSON.stringify([masters.toSorted(), slaves.toSorted()])
  return other !== null && key(one) === key(other)
}
