import {expect, onTestFinished, test} from 'vitest'
import {until} from '../support/cluster.ts'
import {crowdKinds, hostileCrowd, measured} from '../support/hostile-crowd.ts'

/**
 * With every kind at once: a process without a limit on answers passes this within a second. `npm run bench --
 * hostile` has each kind by itself, where none of the three needs more than 150 MB.
 */
const mostMb = 250
const causesIn = (text: string) =>
  [...text.matchAll(/"(h\d+)":\s*\{\s*"role":\s*"unavailable",\s*"cause":\s*"[a-z-]+"/g)].map(([, host]) => host)

test('hostile servers, against check, watch and serve: a cause each, no secret sent, and no memory lost', async () => {
  const crowd = await hostileCrowd()
  onTestFinished(() => crowd[Symbol.asyncDispose]())
  const {allFile, folder} = crowd
  const check = await measured(['check', '--direct', '--json', '-c', allFile, '--timeout', '60s'], folder)
  expect(check.code).toBe(5)
  const watch = await measured(['watch', '--once', '--json', '--direct', '-c', allFile], folder)
  const told = (output: string) =>
    new Set([...output.matchAll(/(h\d+): not asked yet → unavailable: \S+/g)].map(([, host]) => host)).size
  const serve = await measured(['serve', '-c', allFile], folder, (output) =>
    until(async () => told(output()) === crowdKinds.length),
  )
  expect(serve.code).toBe(0)
  expect(crowdKinds.length).toBeGreaterThanOrEqual(30)
  for (const {output} of [check, watch]) expect(new Set(causesIn(output)).size).toBe(crowdKinds.length)
  expect([crowd.leaked(), crowd.unasked()]).toEqual([[], []])
  expect(check.mostMb).toBeLessThanOrEqual(mostMb)
  expect(watch.mostMb).toBeLessThanOrEqual(mostMb)
  expect(serve.mostMb).toBeLessThanOrEqual(mostMb)
})
