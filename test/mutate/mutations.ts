import type {Mutation} from './mutation.ts'
import {ahead} from './rules/ahead.ts'
import {evidence} from './rules/evidence.ts'
import {guard} from './rules/guard.ts'
import {patroni} from './rules/patroni.ts'
import {roles} from './rules/roles.ts'
import {splitBrain} from './rules/split-brain.ts'
import {sustain} from './rules/sustain.ts'

export const mutations: readonly Mutation[] = [
  ...splitBrain,
  ...ahead,
  ...evidence,
  ...roles,
  ...sustain,
  ...patroni,
  ...guard,
]
