import {formatDuration} from '../../core/duration.ts'
import type {FollowersSettings} from '../../core/settings.ts'
import {duration, flag} from '../reading/scalar.ts'
import {type Keys, section} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import type {Section} from './section.ts'

const keys = {
  followers: describe(
    'the confirmation by followers',
    section({
      max_age: describe('older messages of a follower do not count', duration(10_000)),
      nudge: describe('ask the primary for a tiny logical message every second', flag(true)),
    }),
  ),
}

/** The confirmation by followers. */
export const followersSection = {
  keys,
  settings: ({followers: {max_age, nudge}}: Keys<typeof keys>): {followers: FollowersSettings} => ({
    followers: {maxAgeMs: max_age, nudge},
  }),
  document: ({followers: {maxAgeMs, nudge}}) => ({followers: {max_age: formatDuration(maxAgeMs), nudge}}),
} satisfies Section
