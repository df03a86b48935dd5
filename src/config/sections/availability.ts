import {formatDuration} from '../../core/duration.ts'
import type {AvailabilitySettings} from '../../core/settings.ts'
import {alternative} from '../reading/alternative.ts'
import {duration, flag, text} from '../reading/scalar.ts'
import {type Keys, section} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import {isText} from '../reading/yaml-node.ts'
import type {Context} from './context.ts'
import type {Section} from './section.ts'

export const availabilityDefaults = {interval: 1000, table: 'public.pgr66_avc', limit: 10_000}

const keys = {
  availability: describe(
    'heartbeat row on the primary; true for the defaults',
    alternative(
      isText,
      flag(false),
      section({
        interval: describe('how often the primary writes the row', duration(availabilityDefaults.interval, 100)),
        table: describe('the first heartbeat creates it', text(availabilityDefaults.table)),
        limit: describe('the oldest row with which a host counts as available', duration(availabilityDefaults.limit)),
      }),
    ),
  ),
}

/** The heartbeat row on the primary. */
export const availabilitySection = {
  keys,
  settings: ({availability}: Keys<typeof keys>, {report}: Context): {availability: AvailabilitySettings | null} => {
    if (availability === false) return {availability: null}
    const {interval, table, limit} = availability === true ? availabilityDefaults : availability
    // The name is written into SQL, so only plain identifiers are taken.
    if (!/^[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?$/.test(table)) {
      const next = 'Write schema.table in plain letters, digits and "_".'
      const shown = report.quote(table, /^[\w.$ -]{1,64}$/)
      report.refuse('availability.table', 'CONFIG_VALUE', `${shown}is not the name of a table`, next)
    }
    return {availability: {intervalMs: interval, table, limitMs: limit}}
  },
  document: ({availability}) => ({
    availability: availability && {
      interval: formatDuration(availability.intervalMs),
      table: availability.table,
      limit: formatDuration(availability.limitMs),
    },
  }),
} satisfies Section
