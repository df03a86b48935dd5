import {describe, expect, test} from 'vitest'
import {factsOf} from '../../src/sources/pg/facts.ts'
import {probeSql} from '../../src/sources/pg/probe-sql.ts'

const majors = [10, 11, 12, 13, 14, 15, 16, 17, 18]

describe('the question for every major version', () => {
  for (const major of majors) {
    const sql = probeSql({serverVersion: major * 10_000, mayListWal: true})
    test(`${major}: names only what this version has`, () => {
      // pg_stat_wal_receiver has sender_host and sender_port since 11, pg_logical_emit_message its
      // "flush" since 17.
      expect(sql.includes('null::text as sender_host')).toBe(major < 11)
      expect(sql.includes("'', true)")).toBe(major >= 17)
      expect(sql).not.toMatch(/received_lsn|flushed_lsn|written_lsn|materialized/i)
    })
    test(`${major}: lists the files of WAL only where the role may`, () => {
      expect(sql).toContain('pg_ls_waldir()')
      expect(probeSql({serverVersion: major * 10_000, mayListWal: false})).not.toContain('pg_ls_waldir')
    })
    test(`${major}: never takes a timeline from pg_control_checkpoint, and asks for the role once`, () => {
      expect(sql).not.toContain('pg_control_checkpoint')
      expect(sql.match(/pg_is_in_recovery/g)).toHaveLength(1)
    })
  }
})

const standbyRow = {
  in_recovery: true,
  lsn: '0/3000148',
  primary_timeline: null,
  recovery_timeline: 3,
  disk_timeline: '0000000A',
  receive_lsn: '0/3000148',
  last_replay_age_ms: 12.5,
  replay_paused: false,
  read_only: true,
  receiver: null,
  senders: [],
  backends_used: 2,
  backends_max: 100,
}
const receiver = {
  status: 'streaming',
  received_tli: 4,
  sender_host: 'h',
  sender_port: 5432,
  latest_end_lsn: '0/3000148',
  last_message_age_ms: 5,
}

describe('timeline', () => {
  test('primary: the first 8 hexadecimal digits of its WAL file', () =>
    expect(
      factsOf({...standbyRow, in_recovery: false, recovery_timeline: null, primary_timeline: '0000001F'}).timeline,
    ).toBe(31))
  test('standby that streams: what it receives', () => expect(factsOf({...standbyRow, receiver}).timeline).toBe(4))
  test('standby that does not stream: what recovery must reach', () => {
    expect(factsOf(standbyRow).timeline).toBe(3)
    expect(factsOf({...standbyRow, receiver: {...receiver, status: 'starting'}}).timeline).toBe(3)
  })
  test('standby whose receiver we may not read: what recovery must reach', () =>
    expect(factsOf({...standbyRow, receiver: {...receiver, status: null, received_tli: null}}).timeline).toBe(3))
  test('the highest timeline of its segments, beside what it tells', () =>
    expect(factsOf(standbyRow)).toMatchObject({timeline: 3, diskTimeline: 10}))
  test('standby that need not reach anything: unknown, not 0', () =>
    expect(factsOf({...standbyRow, recovery_timeline: 0}).timeline).toBeNull())
})
