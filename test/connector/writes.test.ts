import {describe, expect, test} from 'vitest'
import {ConnectorError} from '../../src/connector/connector-error.ts'
import {primary, standby, unavailable} from '../support/snapshots.ts'
import {connectorStage, watch} from './stage.ts'

const splitBrain = {host1: primary(), host2: primary()}

describe('writes', () => {
  test('wait for a writer in a split brain, and are refused at their deadline by name of the rule', async () => {
    const {clock, db, publish, network, told} = connectorStage({write: {wait: '3s'}})
    publish(splitBrain)
    const work = watch(db.write('insert', [1]))
    await clock.run(2_900)
    expect([work.state, told]).toEqual(['pending', ['switch host1 > null', 'waiting 1']])
    await clock.run(200)
    expect(work.error).toMatchObject({kind: 'no-writer', code: '08001', outcome: 'not-done'})
    expect(work.error?.message).toMatch(/V1 split-brain: split brain: host1 and host2 are primary/)
    expect(network.sent).toEqual([])
  })

  test('50 wait and 30 more are refused at once', async () => {
    const {clock, db, publish} = connectorStage({write: {wait: '1s', maxWaiting: 50}})
    publish(splitBrain)
    const work = [...Array(80)].map((_, id) => watch(db.write('insert', [id])))
    await clock.run(0)
    expect(work.slice(50).map(({error}) => error?.code)).toEqual(Array(30).fill('53300'))
    await clock.run(1_100)
    expect(work.slice(0, 50).map(({error}) => error?.kind)).toEqual(Array(50).fill('no-writer'))
  })

  test('wait: 0 fails at once', async () => {
    const {clock, db, publish} = connectorStage()
    publish(splitBrain)
    const work = watch(db.write('insert', [1], {wait: 0}))
    await clock.run(0)
    expect(work.error?.kind).toBe('no-writer')
  })

  test('a new writer gets its connections in portions, and all of those that waited', async () => {
    const {clock, db, publish, server, told} = connectorStage({pool: {max: 100, connectionTimeoutMillis: 0}})
    publish({host1: unavailable()})
    const work = [...Array(300)].map((_, id) => watch(db.write('insert', [id])))
    await clock.run(100)
    server('host2').promote()
    publish({host1: unavailable(), host2: primary(), host3: standby('host2')})
    await clock.run(3_000)
    expect(new Set(work.map(({host}) => host))).toEqual(new Set(['host2']))
    expect(server('host2').mostOpening).toBe(4)
    expect(told).toContain('switch null > host2')
  })

  test('lost after a byte was sent: unknown, and never sent again', async () => {
    const {clock, db, server, network, told} = connectorStage()
    await clock.through(db.write('insert', [0]))
    const work = watch(db.write('insert', [1]))
    await clock.run(7)
    server('host1').kill()
    await clock.run(30)
    expect(work.error).toBeInstanceOf(ConnectorError)
    expect(work.error).toMatchObject({kind: 'outcome-unknown', code: '08007', outcome: 'unknown', host: 'host1'})
    server('host1').start()
    await clock.run(20_000)
    expect(network.sent.filter(({id}) => id === 1)).toHaveLength(1)
    expect(server('host1').executed).toEqual([0, 1])
    expect(told).toContain('unknown host1')
  })

  test('FATAL is no answer: the write may be done, so its outcome is unknown; an ERROR is passed on', async () => {
    const {clock, db, server} = connectorStage()
    server('host1').script = ['FATAL 57P01', '23505']
    const fatal = watch(db.write('insert', [1]))
    await clock.run(100)
    expect(fatal.error).toMatchObject({kind: 'outcome-unknown', outcome: 'unknown', cause: {code: '57P01'}})
    expect(server('host1').executed).toEqual([1])
    await expect(clock.through(db.write('insert', [2]))).rejects.toMatchObject({code: '23505', severity: 'ERROR'})
    expect(db.node('host1')).toMatchObject({queries: 0, errors: 2, connectionErrors: 1, inFlight: 0})
  })

  test('not sent is repeated: a server that refuses, and a standby that refuses with 25006', async () => {
    const {clock, db, server, publish, network, told} = connectorStage()
    server('host1').kill()
    const refused = watch(db.write('insert', [1]))
    await clock.run(500)
    expect([refused.state, network.sent]).toEqual(['pending', []])
    server('host1').start()
    await clock.run(200)
    expect(refused.host).toBe('host1')
    // host1 became a standby, and says so within its sessions before the monitor has asked it.
    server('host1').isStandby = true
    for (const client of server('host1').clients) client.report('in_hot_standby', 'on')
    const work = watch(db.write('insert', [2]))
    await clock.run(500)
    expect(work.state).toBe('pending')
    server('host2').promote()
    publish({host1: standby('host2'), host2: primary(), host3: standby('host2')})
    await clock.run(500)
    expect(work.host).toBe('host2')
    expect(told).toContain('retry write host1')
  })

  test('sent to a host that is replaced: cut, and unknown', async () => {
    const {clock, db, server, publish} = connectorStage()
    await clock.through(db.write('insert', [0]))
    server('host1').freeze()
    const work = watch(db.write('insert', [1]))
    await clock.run(1_000)
    publish({host1: unavailable('timeout')})
    await clock.run(1_000)
    // It may still answer.
    expect(work.state).toBe('pending')
    server('host2').promote()
    publish({host1: unavailable('timeout'), host2: primary(), host3: standby('host2')})
    await clock.run(10)
    expect(work.error).toMatchObject({code: '08007', outcome: 'unknown', host: 'host1'})
  })
})
