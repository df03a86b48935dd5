import type {GroupAssessment} from '../../src/core/verdict/assessment.ts'
import type {Bounds} from './small-world.ts'

const two: Bounds = {hosts: 2, commits: 1, timelines: 2, restores: 1, accepts: 0, hides: 0, isAskedAlone: false}
const three: Bounds = {...two, hosts: 3, restores: 0}
/** Two daemons beside each other, each with cuts of its own. No host that is down comes back. */
export const twoDaemons: Bounds = {
  ...three,
  commits: 0,
  monitors: 2,
  cuts: 2,
  starts: 0,
  confirm: ['followers'],
}
const remembering =
  (change: (memory: GroupAssessment['memory']) => Partial<GroupAssessment['memory']>) =>
  (past: GroupAssessment): GroupAssessment => ({...past, memory: {...past.memory, ...change(past.memory)}})

/** `depth`: the most steps of a history; absent: until nothing is left to explore. */
export type SmallWorld = Readonly<{bounds: Bounds; depth?: number; leastStates?: number}>

/** Worlds that are explored in seconds. */
export const smallWorlds: Readonly<Record<string, SmallWorld>> = {
  'of two hosts, to its end': {bounds: two, leastStates: 10_000},
  'of two hosts, of which one may be hidden by a firewall, to its end': {
    bounds: {...two, commits: 0, restores: 0, hides: 1},
  },
  'of three hosts, to the sixth step': {bounds: three, depth: 6},
  'of three hosts and two daemons that need followers, to the fifth step': {bounds: twoDaemons, depth: 5},
}

/** What is forgotten takes the rule out, and a shortest history shows why there is the rule. */
export const rulesOut: Readonly<Record<string, Bounds>> = {
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
  'followers, where several daemons route': {...twoDaemons, confirm: ['majority']},
  'S3 a split brain sticks': {...two, restores: 0, hides: 1, forget: remembering(() => ({rivals: []}))},
}
/** No rule that is taken out needs a longer history. */
export const longestCounterexample = 12
