import {describe, expect, test} from 'vitest'
import type {GroupAssessment} from '../../src/core/verdict/assessment.ts'
import type {Bounds} from '../support/small-world.ts'
import {search} from '../support/small-world-search.ts'

const two: Bounds = {hosts: 2, commits: 1, timelines: 2, restores: 1, accepts: 0, hides: 0, isAskedAlone: false}
const three: Bounds = {...two, hosts: 3, restores: 0}
const remembering =
  (change: (memory: GroupAssessment['memory']) => Partial<GroupAssessment['memory']>) =>
  (past: GroupAssessment): GroupAssessment => ({...past, memory: {...past.memory, ...change(past.memory)}})

describe('every history of a small world', () => {
  test('of two hosts, to its end', () => {
    const {states, breach} = search(two)
    expect(breach).toBeNull()
    expect(states).toBeGreaterThan(10_000)
  })

  test('of two hosts, of which one may be hidden by a firewall, to its end', () => {
    expect(search({...two, commits: 0, restores: 0, hides: 1}).breach).toBeNull()
  })

  test('of three hosts, to the sixth step', () => {
    expect(search(three, 6).breach).toBeNull()
  })
})

/** What is forgotten takes the rule out, and a shortest history shows why there is the rule. */
const rulesOut: Readonly<Record<string, Bounds>> = {
  '(a) a higher timeline is remembered': {...two, forget: remembering(() => ({wrote: []}))},
  '(b) who wrote on a timeline': {
    ...three,
    timelines: 2,
    forget: remembering(({wrote}) => ({wrote: wrote.map((pair) => ({...pair, host: null}))})),
  },
  '(d) how far it had flushed': {
    ...two,
    forget: remembering(({wrote}) => ({wrote: wrote.map((pair) => ({...pair, lsn: null, lost: null}))})),
  },
  '(e) whom the operator overruled': {
    ...two,
    accepts: 1,
    restores: 0,
    forget: remembering(({wrote, voids}) => ({
      wrote: wrote.filter(({host}) => !voids.some((item) => item.host === host)),
      voids: [],
    })),
  },
  'S3 a split brain sticks': {...two, restores: 0, hides: 1, forget: remembering(() => ({rivals: []}))},
}

describe('a rule that is taken out is found', () => {
  for (const [rule, bounds] of Object.entries(rulesOut))
    test(rule, () => {
      const {breach} = search(bounds, 12)
      expect(breach?.steps, breach?.what).toMatchSnapshot()
      expect(breach).not.toBeNull()
    })
})
