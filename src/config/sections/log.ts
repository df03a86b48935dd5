import {resolve} from 'node:path'
import type {LogSettings} from '../config.ts'
import {choice, text} from '../reading/scalar.ts'
import type {Keys} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import type {Context} from './context.ts'
import type {Section} from './section.ts'

/** Levels of zap, the logger of the original, and of other programs. */
const levels = {trace: 'debug', warning: 'warn', dpanic: 'error', panic: 'error', fatal: 'error'} as const

const keys = {
  loglevel: describe('default info', choice('info', ['debug', 'info', 'warn', 'error'], levels)),
  logformat: describe('text: a line for people; json: one document per line', choice('text', ['text', 'json'])),
  logfile: describe('default: stderr', text(null)),
  verbosity: describe('of another pgroute66, whose Ansible role always writes it; without effect here', {
    ...text(null),
    schema: {type: ['string', 'integer'], deprecated: true},
  }),
}

/** The log of `serve`. */
export const logSection = {
  keys,
  synonyms: {log_level: 'loglevel', log_file: 'logfile'},
  settings(
    {loglevel, logformat, logfile, verbosity}: Keys<typeof keys>,
    {directory, report}: Context,
  ): {log: LogSettings} {
    if (verbosity !== null) report.warn('verbosity', 'has no effect here', 'Set loglevel, and remove it.')
    return {log: {level: loglevel, format: logformat, file: logfile === null ? null : resolve(directory, logfile)}}
  },
  document: ({log}) => ({loglevel: log.level, logformat: log.format, logfile: log.file}),
} satisfies Section
