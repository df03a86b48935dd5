import {expect, test} from 'vitest'
import {outcomeOf} from '../../src/patroni/answer.ts'

/** Sentences of Patroni's api.py and ha.py. */
test.each([
  [200, 'Successfully switched over to "node2"', 'done'],
  [202, 'Switchover scheduled', 'scheduled'],
  [400, 'Switchover could be performed only from a specific leader', 'refused'],
  [404, 'no switchover is scheduled', 'refused'],
  [412, 'leader name does not match', 'refused'],
  [422, 'Cannot schedule switchover in the past', 'refused'],
  [503, 'Switchover failed', 'failed'],
  [503, 'Switchover status unknown', 'unknown'],
  [503, 'I am the leader, can not reinitialize', 'refused'],
  [503, 'restart conditions are not satisfied', 'refused'],
  [503, 'restart failed', 'failed'],
  [400, 'restart failed', 'failed'],
  [503, 'postgres is still starting', 'unknown'],
  [503, 'failed to write switchover key into DCS', 'unknown'],
  [409, 'Failed to delete scheduled switchover', 'unknown'],
  [502, 'Bad Gateway', 'unknown'],
  [401, 'not authenticated', 'refused'],
  [403, 'client certificate required', 'refused'],
] as const)('%i, %s: %s', (status, text, wanted) => expect(outcomeOf(status, text)).toBe(wanted))
