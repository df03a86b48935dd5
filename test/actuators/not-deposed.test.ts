import {renameSync} from 'node:fs'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {followersOf, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {asOwner, configFor, promote, type RejoinStage, rejoinStage} from '../support/rejoin-stage.ts'
import {runJs} from '../support/run.ts'

type Options = Parameters<typeof configFor>[2]
const checked = async (stage: RejoinStage, name: 'host1' | 'host3', options: Options = {}) => {
  const {code, stdout, stderr} = await asOwner(stage[name], [
    ...[runJs, 'check', '--not-deposed', '-c', configFor(stage, stage[name], options)],
  ])
  return [code, stdout + stderr]
}

test.skipIf(lacks('PostgreSQL 15'))('check --not-deposed: may the server of this host start?', async () => {
  const stage = await rejoinStage()
  const {host1, host2, host3} = stage
  // pg_control says "shut down in recovery" in each of these.
  await host3.stop()
  const signal = join(host3.data, 'standby.signal')
  const wouldLead = [1, expect.stringMatching(/host3 would start as a primary: host1 is .* Create standby.signal in/)]
  for (const other of ['recovery.signal', 'none']) {
    renameSync(signal, join(host3.data, other))
    expect(await checked(stage, 'host3')).toEqual(wouldLead)
    renameSync(join(host3.data, other), signal)
  }
  await host3.start()
  await until(async () => (await followersOf(host1)).includes('host3'))
  await host1.stop()
  expect(await checked(stage, 'host1')).toEqual([0, expect.stringContaining('no other host is primary')])
  const away = {ports: {host2: 1, host3: 2}, probe: '{timeout: 500ms, connect_timeout: 500ms}'}
  expect(await checked(stage, 'host1', away)).toEqual([4, expect.stringContaining('cannot be told')])
  await host1.start()
  await promote(host2, host3)
  await host1.stop()
  expect(await checked(stage, 'host1')).toEqual([1, expect.stringContaining('host2 is the primary on timeline 2')])
  await host3.stop()
  expect(await checked(stage, 'host3')).toEqual([0, expect.stringContaining('host3 may start: it is a standby')])
})
