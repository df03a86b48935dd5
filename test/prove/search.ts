import {search} from '../support/small-world-search.ts'
import {longestCounterexample, rulesOut, smallWorlds} from '../support/small-worlds.ts'

/** `depth` null: to its end. `breach` null: none was found. */
export type Explored = Readonly<{
  name: string
  states: number
  seconds: number
  breach: Readonly<{what: string; steps: readonly string[]}> | null
}>

/** Every history of the small worlds, judged by the product as it is: a breach is a bug. */
export const exploreWorlds = (): readonly Explored[] =>
  Object.entries(smallWorlds).map(([name, {bounds, depth}]) => explored(name, () => search(bounds, depth)))

/** The same with one rule taken out: without a breach the search would prove nothing. */
export const exploreRulesOut = (): readonly Explored[] =>
  Object.entries(rulesOut).map(([name, bounds]) => explored(name, () => search(bounds, longestCounterexample)))

function explored(name: string, run: () => Pick<Explored, 'states' | 'breach'>): Explored {
  const begun = performance.now()
  const {states, breach} = run()
  return {name, states, breach, seconds: (performance.now() - begun) / 1_000}
}
