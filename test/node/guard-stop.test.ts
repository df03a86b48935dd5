import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import type {GuardSite} from '../../src/config/guard-site.ts'
import {alone, opened, other, siteIn, stage} from './guard-stage.ts'

let folder = ''
let hba = ''
let site: GuardSite
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgroute66-stop-'))
  hba = join(folder, 'pg_hba.conf')
  writeFileSync(hba, 'local all all peer\n')
})
afterEach(() => rmSync(folder, {recursive: true, force: true}))
const siteWith = (guard?: string) => siteIn(folder, guard)

describe('PostgreSQL is stopped where that was asked for', () => {
  test('fence: stop, once the lease has ended; not by a pass that finds no majority', async () => {
    site = await siteWith(', fence: stop')
    const {guard, done, sees, clock} = await opened(site)
    sees(alone)
    await guard.pass()
    expect(done).not.toContain('stop')
    clock.pass(5_000)
    await guard.pass()
    expect(done.at(-1)).toBe('stop')
    await guard.pass()
    expect(done.filter((what) => what === 'stop')).toHaveLength(1)
  })
  test('fence: stop leaves a standby alone', async () => {
    site = await siteWith(', fence: stop')
    const {guard, done, sees, clock} = await opened(site)
    sees(other)
    clock.pass(5_000)
    await guard.pass()
    expect(done).not.toContain('stop')
  })
  test('on_write_failure: stop leaves a primary alone whose first pass only waits for the second', async () => {
    site = await siteWith(', on_write_failure: stop')
    const {guard, done, sees, server} = stage(site)
    server.broken = [{file: null, line: 9, error: 'invalid connection type'}]
    await guard.pass()
    expect(guard.state.decision?.rule).toBe('G7')
    expect(done).not.toContain('stop')
    sees(alone)
    await guard.pass()
    expect(done).toContain('stop')
  })
  test('on_write_failure: stop, where a deny cannot be written; alarm leaves it', async () => {
    for (const [setting, count] of [
      ['stop', 1],
      ['alarm', 0],
    ] as const) {
      site = await siteWith(`, on_write_failure: ${setting}`)
      writeFileSync(hba, 'local all all peer\n')
      const {guard, done, sees} = await opened(site)
      writeFileSync(hba, '# pgroute66 guard: begin\n')
      sees(alone)
      await guard.pass()
      expect(
        done.filter((what) => what === 'stop'),
        setting,
      ).toHaveLength(count)
      expect(guard.state.problems).toEqual([expect.stringContaining('1 lines begin the block')])
    }
  })
})
