import {formatDuration} from '../../core/duration.ts'
import type {Config} from '../config.ts'
import {duration} from '../reading/scalar.ts'
import {type Keys, section} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import type {Section} from './section.ts'

const keys = {
  check: describe('the command check', section({timeout: describe('for the whole command', duration(2000, 10))})),
}

/** The command check. HAProxy passes it no flags. */
export const checkSection = {
  keys,
  settings: ({check: {timeout}}: Keys<typeof keys>): Pick<Config, 'check'> => ({check: {timeoutMs: timeout}}),
  document: ({check}) => ({check: {timeout: formatDuration(check.timeoutMs)}}),
} satisfies Section
