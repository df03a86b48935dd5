import {describe, expect, test} from 'vitest'
import {clusterInfo} from '../../src/api/grpc/cluster-info.ts'
import type {SharedFacts} from '../../src/api/instances.ts'
import {patroniAnswer} from '../../src/api/local/patroni.ts'
import {primgrAnswer} from '../../src/api/local/primgr.ts'
import {decodeReply} from '../../src/protocol/cluster-info.ts'
import {primary, snapshot, standby} from '../support/snapshots.ts'
import {contextOf} from './local-stage.ts'

const whole = snapshot({hosts: {host1: primary(), host2: standby()}})
const nothing = {...whole, groups: {}, hosts: {}}

/** An instance of a set that owns the group, or follows its owner. */
const contextWhere = (isOwner: boolean) => ({
  ...contextOf('host1', whole),
  shared: {own: {current: () => (isOwner ? whole : nothing)}} as unknown as SharedFacts,
})
const asked = {group: null, isView: false, localAddress: '127.0.0.1', at: {now: 0, wall: 0}}
const votes = (own: typeof whole) =>
  clusterInfo(
    {
      source: {current: () => whole},
      own: {current: () => own},
      machineId: null,
      answerer: () => ({ip: null, nodeName: 'host1', witness: ''}),
    },
    asked,
  )

describe('an instance of a set that does not own the group', () => {
  test('has no vote for harepd', () => {
    expect(() => votes(nothing)).toThrow('another instance of this set asks the hosts of that group')
    expect(decodeReply(votes(whole)).master).toHaveLength(1)
  })

  test('has no vote for the other nodes of primgr, and its state is told', () => {
    expect(primgrAnswer('GET', '/primary', contextWhere(false)).status).toBe(503)
    expect(primgrAnswer('GET', '/state', contextWhere(false)).body).toContain('Primary')
    expect(primgrAnswer('GET', '/primary', contextWhere(true)).status).toBe(200)
  })

  test("answers load balancers by Patroni's paths", () => {
    expect(patroniAnswer('GET', '/primary', contextWhere(false)).status).toBe(200)
    expect(patroniAnswer('GET', '/replica', contextWhere(false)).status).toBe(503)
  })
})
