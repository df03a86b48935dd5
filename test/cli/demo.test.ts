import {expect, test} from 'vitest'
import {run} from '../support/run.ts'

test('demo --tour: the story of a failover is played to its end', async () => {
  const env = {PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? ''}
  const {code, stdout, stderr} = await run(['demo', '--tour'], {env, limitMs: 170_000})
  expect(stdout + stderr).toContain('Repaired. At no moment did two hosts get writes.')
  expect(code).toBe(0)
})
