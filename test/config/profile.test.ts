import {expect, test} from 'vitest'
import {fromFile} from '../../src/config/load.ts'

const probeOf = async (lines: string) => {
  const text = `hosts: {host1: {host: 10.0.0.1, user: pgroute66}}\n${lines}\n`
  const {profile, probe} = await fromFile({path: '/etc/pgroute66/config.yaml', text} as never, {})
  return {profile, ...probe}
}

test.each([
  ['', {profile: 'normal', intervalMs: 1_000, maxAgeMs: 3_000, pingTimeoutMs: 500}],
  ['profile: fast', {profile: 'fast', intervalMs: 500, maxAgeMs: 1_500, pingTimeoutMs: 250}],
  ['profile: wan', {profile: 'wan', intervalMs: 2_000, maxAgeMs: 10_000, pingTimeoutMs: 2_000}],
  ['profile: wan\nprobe: {ping_timeout: 1s}', {profile: 'wan', pingTimeoutMs: 1_000, intervalMs: 2_000}],
  ['profile: fast\nprobe: {interval: 200ms}', {profile: 'fast', intervalMs: 200, fastIntervalMs: 50}],
] as const)('%s', async (lines, expected) => {
  expect(await probeOf(lines)).toMatchObject(expected)
})

test('a value that does not fit the others of the profile is told', async () => {
  await expect(probeOf('profile: wan\nprobe: {max_age: 3s}')).rejects.toThrow(/probe.max_age is 3s, less than .*5s/)
  await expect(probeOf('profile: slow')).rejects.toThrow(
    /profile: .*is not one of fast, normal, wan|profile "slow" is not one of/,
  )
})
