import {expect, test} from 'vitest'
import {until} from '../support/cluster.ts'
import {site} from '../support/site.ts'

test('why and report of a real daemon: a primary that dies, and its successor', async () => {
  const {serve, host1, host2, asks} = await site((folder) => `socket: ${folder}/pgroute66.sock`)
  const why = async () => {
    const {code, stdout} = await asks('why')('--json')
    return {code, ...JSON.parse(stdout).groups.all}
  }
  expect(await why()).toMatchObject({
    code: 0,
    situation: 'healthy',
    routed_to: 'host1',
    remedy: 'There is nothing to do.',
  })
  await host1.kill()
  await until(async () => (await why()).situation === 'no-primary')
  const {code, stdout} = await asks('why')()
  expect([code, stdout]).toEqual([
    4,
    expect.stringMatching(/^all: no-primary \(V5\): .*\n.*\n {2}Next: Start the primary/),
  ])
  await host2.promote()
  await until(async () => (await why()).routed_to === 'host2')

  const found = await asks('report')('--since', '1d', '--json')
  const {all} = JSON.parse(found.stdout).groups
  expect(all.switches).toEqual([{at: expect.any(String), from: 'host1', to: 'host2'}])
  expect(all.phases_ms['no-primary']).toBeGreaterThan(0)
  expect(all.availability).toBeLessThan(1)
  expect(all.writable_ms).toBeGreaterThan(0)
  expect((await asks('report')()).stdout).toMatch(/switches {18}1\n {4}.* from host1 to host2/)
  const wrong = await asks('report')('--since', 'soon')
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('"soon" is not a duration')])
  expect(serve.output()).not.toContain('bug')
})
