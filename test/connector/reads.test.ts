import {describe, expect, test} from 'vitest'
import {primary, standby, unavailable} from '../support/snapshots.ts'
import {connectorStage, watch} from './stage.ts'

describe('reads', () => {
  test('go to standbys, in turn by who is less busy, and writes to the primary', async () => {
    const {clock, db, network} = connectorStage()
    const work = [...Array(6)].map(() => db.read('select 1'))
    const write = db.write('insert', [1])
    await clock.run(1_000)
    const hosts = (await Promise.all(work)).map(({host}) => host)
    expect(hosts.filter((host) => host === 'host2')).toHaveLength(3)
    expect(hosts.filter((host) => host === 'host3')).toHaveLength(3)
    expect((await write).host).toBe('host1')
    expect(network.sent.find(({id}) => id === 1)?.kind).toBe('write')
  })

  test('are repeated elsewhere when a host dies, which is then avoided until an answer asked later', async () => {
    const {clock, db, server, publish, told} = connectorStage()
    const work = [...Array(8)].map(() => watch(db.read('select 1')))
    await clock.run(12)
    server('host2').kill()
    await clock.run(100)
    expect(work.map(({state}) => state)).toEqual(Array(8).fill('done'))
    expect(new Set(work.map(({host}) => host))).toEqual(new Set(['host3']))
    expect(told).toContain('suspect host2')
    server('host2').start()
    const later = watch(db.read('select 1'))
    await clock.run(100)
    expect([later.host, db.node('host2').suspect]).toEqual(['host3', 'Connection terminated unexpectedly'])
    publish({host1: primary()})
    expect(told).toContain('back host2')
    const hosts = [...Array(4)].map(() => watch(db.read('select 1')))
    await clock.run(100)
    expect(hosts.map(({host}) => host).sort()).toEqual(['host2', 'host2', 'host3', 'host3'])
  })

  test('of a frozen host are cut when the monitor says so, and repeated', async () => {
    const {clock, db, server, publish} = connectorStage()
    for (let index = 0; index < 4; index += 1) await clock.through(db.read('select 1'))
    server('host2').freeze()
    const work = [...Array(6)].map(() => watch(db.read('select 1')))
    await clock.run(1_000)
    expect(work.filter(({state}) => state === 'pending')).toHaveLength(3)
    publish({host1: primary(), host2: unavailable('timeout')})
    await clock.run(100)
    expect(work.map(({state, host}) => [state, host])).toEqual(Array(6).fill(['done', 'host3']))
  })

  test('fall back to the primary, with a cap, and return to a standby by themselves', async () => {
    const {clock, db, publish, server, told} = connectorStage({read: {fallbackMax: 2}})
    publish({host1: primary(), host2: unavailable(), host3: unavailable()})
    const work = [...Array(6)].map(() => watch(db.read('select 1')))
    await clock.run(15)
    expect(server('host1').clients.size).toBe(2)
    await clock.run(100)
    expect(work.map(({host}) => host)).toEqual(Array(6).fill('host1'))
    expect(told.filter((one) => one === 'fallback host1')).toHaveLength(1)
    publish({host1: primary(), host2: unavailable()})
    expect((await clock.through(db.read('select 1'))).host).toBe('host3')
  })

  test('open no more than pool.max connections to a host, and the others wait', async () => {
    const {clock, db, server} = connectorStage({pool: {max: 3, connectionTimeoutMillis: 0}, write: {opening: 9}})
    const work = [...Array(20)].map(() => watch(db.read('select 1')))
    await clock.run(15)
    expect([server('host2').clients.size, server('host3').clients.size]).toEqual([3, 3])
    await clock.run(200)
    expect(work.map(({state}) => state)).toEqual(Array(20).fill('done'))
    expect([server('host2').clients.size, server('host3').clients.size]).toEqual([3, 3])
  })

  test('wait for a host, and fail at their deadline with the verdict', async () => {
    const {clock, db, publish} = connectorStage({read: {wait: '2s'}})
    publish({host1: unavailable(), host2: unavailable(), host3: unavailable()})
    const early = watch(db.read('select 1'))
    await clock.run(1_500)
    const late = watch(db.read('select 1'))
    await clock.run(600)
    expect(early).toMatchObject({state: 'failed', error: {kind: 'no-reader', code: '08001', outcome: 'not-done'}})
    expect(early.error?.message).toMatch(/V5 no-primary: no host is primary\), also after 2s/)
    publish({host1: primary()})
    await clock.run(100)
    expect(late.state).toBe('done')
  })

  test('that wait go on with a steady answer, which clears a host or brings its lag within limits', async () => {
    const {clock, db, server, answer, told} = connectorStage({read: {wait: '2s', fallback: 'none', maxLag: '1MB'}})
    for (const name of ['host2', 'host3']) server(name).kill()
    const suspected = watch(db.read('select 1'))
    await clock.run(500)
    expect([suspected.state, told.includes('suspect host2')]).toEqual(['pending', true])
    server('host2').start()
    const slow = standby('host1', {lagBytes: 2 << 20})
    answer({host1: primary(), host3: slow})
    await clock.run(100)
    expect(suspected).toMatchObject({state: 'done', host: 'host2'})
    answer({host1: primary(), host2: slow, host3: slow})
    const lagging = watch(db.read('select 1'))
    await clock.run(500)
    expect(lagging.state).toBe('pending')
    answer({host1: primary(), host3: slow})
    await clock.run(100)
    expect(lagging).toMatchObject({state: 'done', host: 'host2'})
  })

  test('what a server refuses is passed on as it is; a recovery conflict is asked elsewhere', async () => {
    const {clock, db, server} = connectorStage()
    for (const name of ['host2', 'host3']) server(name).script = ['42P01']
    await expect(clock.through(db.read('select 1'))).rejects.toMatchObject({code: '42P01', severity: 'ERROR'})
    for (const name of ['host2', 'host3']) server(name).script = []
    server('host2').script = ['40001', '40001']
    server('host3').script = ['40P01', '40P01']
    const conflict = await clock.through(db.read('select 1'))
    expect([conflict.host, conflict.attempts]).toEqual(['host1', 3])
    await expect(clock.through(db.read('insert', [1]))).rejects.toMatchObject({code: '25006'})
  })

  test('a host that refuses the login is left out; where no other may serve, the read fails at once', async () => {
    const {clock, db, server, publish} = connectorStage()
    server('host2').refuses = '28P01'
    const work = [...Array(6)].map(() => watch(db.read('select 1')))
    await clock.run(200)
    expect(work.map(({host}) => host)).toEqual(Array(6).fill('host3'))
    for (const name of ['host1', 'host3']) server(name).refuses = '28P01'
    for (const name of ['host1', 'host3']) for (const client of [...server(name).clients]) client.lose(new Error('cut'))
    await clock.run(10)
    const none = watch(db.read('select 1'))
    await clock.run(200)
    expect(none.error).toMatchObject({code: '28P01', severity: 'FATAL'})
    server('host3').refuses = null
    publish({host1: unavailable(), host3: unavailable()})
    const alone = watch(db.read('select 1'))
    await clock.run(200)
    expect(alone.error).toMatchObject({code: '28P01', severity: 'FATAL'})
  })

  test('from a host by name, and no other', async () => {
    const {clock, db, server} = connectorStage({read: {wait: '1s'}})
    const answers = [await clock.through(db.read('select 1', [], {from: 'host3'}))]
    answers.push(await clock.through(db.read('select 1', [], {from: 'host1'})))
    expect(answers.map(({host}) => host)).toEqual(['host3', 'host1'])
    server('host3').kill()
    await expect(clock.through(db.read('select 1', [], {from: 'host3'}))).rejects.toMatchObject({host: 'host3'})
    expect(() => db.node('host9')).toThrow('there is no host host9; hosts: host1, host2, host3')
  })

  test("by the application's own choice; what it throws is passed on", async () => {
    const {clock, db} = connectorStage({read: {choose: (nodes) => nodes[1] ?? (nodes[0] as never)}})
    expect((await clock.through(db.read('select 1'))).host).toBe('host3')
    const wrong = connectorStage({read: {choose: () => ({name: 'host1'}) as never}})
    await expect(wrong.clock.through(wrong.db.read('select 1'))).rejects.toThrow('one of the candidates')
  })

  test('a hedge: the second standby answers while the first is frozen, and the primary is never asked', async () => {
    const {clock, db, server, network} = connectorStage({read: {hedge: '50ms'}})
    for (let index = 0; index < 4; index += 1) await clock.through(db.read('select 1'))
    server('host2').freeze()
    const work = [...Array(4)].map(() => watch(db.read('select 1')))
    await clock.run(100)
    expect(work.map(({host}) => host)).toEqual(Array(4).fill('host3'))
    server('host3').freeze()
    const stuck = watch(db.read('select 1'))
    await clock.run(1_000)
    expect(stuck.state).toBe('pending')
    expect(network.sent.filter(({host}) => host === 'host1')).toEqual([])
  })

  test('a hedge that gets no connection ends with the deadline of its read', async () => {
    const {clock, db, server} = connectorStage({read: {hedge: '50ms', wait: '500ms'}})
    for (const name of ['host2', 'host3']) server(name).freeze()
    const stuck = watch(db.read('select 1'))
    await clock.run(600)
    expect(stuck.error?.kind).toBe('no-reader')
  })

  describe('a hedge that finds no host', () => {
    /** One read runs on host2, which is frozen; its hedge waits, as host3 is gone. */
    const parked = async () => {
      const stage = connectorStage({read: {hedge: '50ms'}})
      const {clock, db, server, told} = stage
      for (let index = 0; index < 4; index += 1) await clock.through(db.read('select 1'))
      server('host2').freeze()
      const reads = [...Array(2)].map(() => watch(db.read('select 1')))
      await clock.run(20)
      server('host3').kill()
      await clock.run(100)
      expect([reads.filter(({state}) => state === 'pending').length, told.includes('suspect host3')]).toEqual([1, true])
      return {...stage, reads, sentBefore: stage.network.sent.length}
    }

    test('ends with the attempt that it hedges, and the fallback answers', async () => {
      const {clock, server, publish, reads, network, sentBefore} = await parked()
      publish({host1: primary(), host2: unavailable('timeout')})
      await clock.run(100)
      expect(reads.map(({host}) => host).sort()).toEqual(['host1', 'host3'])
      server('host3').start()
      publish({host1: primary(), host2: unavailable('timeout')})
      await clock.run(1_000)
      expect(network.sent.slice(sentBefore).map(({host}) => host)).toEqual(['host1'])
      expect(server('host3').clients.size).toBe(0)
    })

    test('never asks the host that it hedges, and ends when that one answers', async () => {
      const {clock, db, server, publish, reads, network, sentBefore} = await parked()
      publish({host1: primary(), host3: unavailable()})
      await clock.run(100)
      expect(db.node('host2').inFlight).toBe(1)
      server('host2').thaw()
      await clock.run(100)
      expect(reads.map(({host}) => host).sort()).toEqual(['host2', 'host3'])
      server('host3').start()
      publish({host1: primary()})
      await clock.run(1_000)
      expect([network.sent.length - sentBefore, server('host3').clients.size]).toEqual([0, 0])
    })

    test('because the host refuses the login does not fail the read', async () => {
      const {clock, db, server} = connectorStage({read: {hedge: '50ms'}})
      for (const name of ['host2', 'host3']) server(name).latencyMs = 200
      server('host3').refuses = '28P01'
      const reads = [...Array(2)].map(() => watch(db.read('select 1')))
      await clock.run(2_000)
      expect(reads.map(({host}) => host)).toEqual(['host2', 'host2'])
    })
  })
})
