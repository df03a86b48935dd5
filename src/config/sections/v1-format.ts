import type {Config} from '../config.ts'
import {choice} from '../reading/scalar.ts'
import type {Keys} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import type {Section} from './section.ts'

const keys = {
  v1_format: describe(
    'released: byte for byte as the code of the original, not its documentation',
    choice('documented', ['documented', 'released']),
  ),
}

/** The bodies of the original's routes. */
export const v1FormatSection = {
  keys,
  settings: ({v1_format}: Keys<typeof keys>): Pick<Config, 'v1Format'> => ({v1Format: v1_format}),
  document: ({v1Format}) => ({v1_format: v1Format}),
} satisfies Section
