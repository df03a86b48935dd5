import {describe, expect, onTestFinished, test} from 'vitest'
import {passageOf} from '../../src/connector/causal/gate.ts'
import {positionFrom, positionOf, tokenOf, withoutHeader} from '../../src/connector/causal/token.ts'
import {connect} from '../../src/connector/index.ts'
import type {Database, DatabaseOptions} from '../../src/connector/types.ts'
import {type Cluster, testCluster, until} from '../support/cluster.ts'
import {configOf} from './callers.ts'

const usual = {segment: 16n * 1024n * 1024n, page: 8192n}

describe('tokens', () => {
  test('a position as text, and back', () => {
    const position = {systemIdentifier: '7710428129421941699', timeline: 3, lsn: 0x1_0505_87e8n}
    expect(tokenOf(position)).toBe('1.7710428129421941699.3.1050587e8')
    expect(tokenOf(position)).toMatch(/^[\w.~-]{1,64}$/)
    expect(positionOf(tokenOf(position))).toEqual(position)
    expect(positionOf(tokenOf({...position, systemIdentifier: null}))?.systemIdentifier).toBeNull()
  })

  test.each([
    '',
    '2.1.1.0',
    '1.1.0.5',
    '1.x.1.5',
    '1.1.1.',
    '1.1.1.0/5',
    '1.1.1.5; drop table a',
    '1.1.1.11112222333344445',
  ])('not a token: %j', (text) => expect(positionOf(text)).toBeNull())

  test.each([
    {given: 'in the middle of a page', lsn: 0x4078100n, is: 0x4078100n},
    {given: 'behind the header of a page', lsn: 0x4078018n, is: 0x4078000n},
    {given: 'behind the header of a segment', lsn: 0x5000028n, is: 0x5000000n},
    {given: 'at 24 in the first page of a segment', lsn: 0x5000018n, is: 0x5000018n},
    {given: 'at 40 in another page', lsn: 0x4078028n, is: 0x4078028n},
  ])('$given', ({lsn, is}) => {
    expect(withoutHeader(lsn, usual)).toBe(is)
  })

  test('the size of a segment is told by the server: at 16 MiB, a segment of 64 MiB has no long header', () => {
    const state = {lsn: '0/5000028', timeline: '00000002', segment_size: String(64 << 20), block_size: '8192'}
    expect(positionFrom(state, null)).toEqual({systemIdentifier: null, timeline: 2, lsn: 0x5000028n})
    expect(() => positionFrom({...state, lsn: 'x'}, null)).toThrow('no position')
  })
})

describe('whether a session shows a position', () => {
  const position = {systemIdentifier: null, timeline: 2, lsn: 0x100n}
  test.each([
    {
      given: 'a standby that has replayed it',
      reached: {replay: '0/100', timeline: null},
      host: 2,
      primary: 2,
      is: 'reached',
    },
    {given: 'a standby that has not', reached: {replay: '0/FF', timeline: null}, host: 2, primary: 2, is: 'behind'},
    {
      given: 'without a primary in sight',
      reached: {replay: '0/100', timeline: null},
      host: 2,
      primary: null,
      is: 'reached',
    },
    {
      given: 'a standby on the next timeline, far ahead',
      reached: {replay: '0/900', timeline: null},
      host: 3,
      primary: 3,
      is: 'behind',
    },
    {
      given: 'a standby that was left behind',
      reached: {replay: '0/900', timeline: null},
      host: 2,
      primary: 3,
      is: 'behind',
    },
    {
      given: 'a standby whose timeline is not known',
      reached: {replay: '0/900', timeline: null},
      host: null,
      primary: 2,
      is: 'behind',
    },
    {given: 'a standby that does not tell', reached: {replay: null, timeline: null}, host: 2, primary: 2, is: 'behind'},
    {given: 'the primary', reached: {replay: null, timeline: '00000002'}, host: 2, primary: 2, is: 'reached'},
    {
      given: 'the primary of a later timeline',
      reached: {replay: null, timeline: '00000003'},
      host: 3,
      primary: 3,
      is: 'forked',
    },
    {
      given: 'a standby that was promoted since the snapshot',
      reached: {replay: null, timeline: '00000003'},
      host: 2,
      primary: 2,
      is: 'forked',
    },
  ] as const)('$given: $is', ({reached, host, primary, is}) => {
    expect(passageOf(position, reached, {host, primary})).toBe(is)
  })
})

describe('on real servers', () => {
  async function opened(read: DatabaseOptions['read'] = {}): Promise<{site: Cluster; db: Database}> {
    const site = await testCluster()
    await site.node('host1').sql('create table words (id int primary key, word text); grant all on words to pgroute66')
    const connection = {user: 'pgroute66', password: 'pgroute66', database: 'postgres'}
    const databases = {default: {connection, read: {wait: '60s', ...read}, write: {wait: '60s'}}}
    const connector = await connect({config: configOf(site), databases, patience: '60s'})
    onTestFinished(() => connector.close({grace: '1s'}))
    const db = connector.use()
    await until(() => ['host2', 'host3'].every((name) => db.node(name).lagBytes !== null), 60_000)
    return {site, db}
  }
  const word = 'select word from words where id = $1'

  test('after a write with its token no read is stale, under load', async () => {
    const {db} = await opened()
    const stale: number[] = []
    const by = new Map<string, number>()
    const caller = async (from: number) => {
      for (let id = from; id < from + 150; id += 1) {
        const {token} = await db.write('insert into words values ($1, $2)', [id, 'a'], {token: true})
        const {rows, host} = await db.read(word, [id], token === undefined ? {} : {after: token})
        by.set(host, (by.get(host) ?? 0) + 1)
        if (rows.length !== 1) stale.push(id)
      }
    }
    await Promise.all(Array.from({length: 8}, (_, index) => caller(index * 1_000)))
    expect(stale).toEqual([])
    // Standbys serve them, and not the primary alone.
    expect((by.get('host2') ?? 0) + (by.get('host3') ?? 0)).toBeGreaterThan(100)
    const client = await db.client('read', {after: await db.token()})
    expect((await client.query('select count(*)::int as count from words')).rows).toEqual([{count: 1_200}])
    client.release()
    const foreign = (await db.token()).replace(/^1\.\d+/, '1.7')
    await expect(db.read(word, [1], {after: foreign})).rejects.toMatchObject({kind: 'token'})
    await expect(db.read(word, [1], {after: 'x'})).rejects.toMatchObject({kind: 'token'})
  })

  test('a record that ends with its page: the token is reached although nothing more is written', async () => {
    const {site, db} = await opened({fallback: 'none'})
    // Writes of many lengths, until one ends just there.
    const primary = site.node('host1')
    const isAtHeader = "select (pg_current_wal_insert_lsn() - '0/0') % 8192 = 24 as is"
    await using session = await primary.connect()
    let found = false
    for (let size = 1; size < 4_000 && !found; size += 1) {
      await session.query("select pg_logical_emit_message(false, 'fill', repeat('x', (random() * 120)::int))")
      found = (await session.query(isAtHeader)).rows[0].is
    }
    expect(found).toBe(true)
    const token = await db.token()
    expect(BigInt(`0x${token.split('.').at(-1)}`) % 8192n).toBe(0n)
    expect((await db.read('select 1', [], {after: token})).host).toMatch(/host[23]/)
    expect((await session.query(isAtHeader)).rows[0].is).toBe(true)
  })

  test('paused replay: the primary answers; without a fallback the read fails and says so', async () => {
    const {site, db} = await opened()
    for (const name of ['host2', 'host3']) await site.node(name).sql('select pg_wal_replay_pause()')
    const {token} = await db.write("insert into words values (1, 'a')", [], {token: true})
    const after = token === undefined ? {} : {after: token}
    const {rows, host} = await db.read(word, [1], after)
    expect([rows, host]).toEqual([[{word: 'a'}], 'host1'])
    const never = db.read(word, [1], {...after, fallback: 'none', signal: AbortSignal.timeout(1_500)})
    await expect(never).rejects.toMatchObject({kind: 'aborted'})
    for (const name of ['host2', 'host3']) await site.node(name).sql('select pg_wal_replay_resume()')
    await until(async () => (await db.read(word, [1], {...after, fallback: 'none'})).host !== 'host1', 60_000)
  })

  test('a write that a failover lost: its token is told as forked, and never as reached', async () => {
    const {site, db} = await opened()
    // In this order, so that host2 has all that host3 has: else host3 could not follow it.
    for (const name of ['host3', 'host2']) await site.node(name).kill()
    // Acknowledged, and no standby has it.
    const {token} = await db.write("insert into words values (1, 'lost')", [], {token: true})
    await site.node('host1').kill()
    await Promise.all(['host2', 'host3'].map((name) => site.node(name).start()))
    await site.node('host2').promote()
    await site.node('host3').follow(site.node('host2'))
    await until(() => db.verdict.routedTo === 'host2', 60_000)
    // Far beyond the LSN of the token.
    await db.write("insert into words select id, repeat('x', 1000) from generate_series(100, 2000) as id")
    await until(() => db.node('host3').lagBytes === 0, 60_000)
    const {rows, token: told, host} = await db.read(word, [1], token === undefined ? {} : {after: token})
    expect([rows, told, host]).toEqual([[], 'forked', 'host2'])
    const fresh = await db.token()
    expect((await db.read(word, [100], {after: fresh})).rows).toHaveLength(1)
  })
})
