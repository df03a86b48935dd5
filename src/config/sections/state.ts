import {resolve} from 'node:path'
import {text} from '../reading/scalar.ts'
import type {Keys} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import type {Context} from './context.ts'
import type {Section} from './section.ts'

const keys = {state_dir: describe('directory for timelines, drains and decisions, which survive a restart', text(null))}

/** What survives a restart. */
export const stateSection = {
  keys,
  settings: ({state_dir}: Keys<typeof keys>, {directory}: Context): {stateDir: string | null} => ({
    stateDir: state_dir === null ? null : resolve(directory, state_dir),
  }),
  document: ({stateDir}) => ({state_dir: stateDir}),
} satisfies Section
