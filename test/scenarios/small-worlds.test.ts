import {describe, expect, test} from 'vitest'
import {search} from '../support/small-world-search.ts'
import {longestCounterexample, rulesOut, smallWorlds} from '../support/small-worlds.ts'

describe('every history of a small world', () => {
  for (const [name, {bounds, depth, leastStates = 1}] of Object.entries(smallWorlds))
    test(name, () => {
      const {states, breach} = search(bounds, depth)
      expect(breach).toBeNull()
      expect(states).toBeGreaterThan(leastStates)
    })
})

describe('a rule that is taken out is found', () => {
  for (const [rule, bounds] of Object.entries(rulesOut))
    test(rule, () => {
      const {breach} = search(bounds, longestCounterexample)
      expect(breach?.steps, breach?.what).toMatchSnapshot()
      expect(breach).not.toBeNull()
    })
})
