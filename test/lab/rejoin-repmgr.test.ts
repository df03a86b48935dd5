import {join} from 'node:path'
import {describe, expect, onTestFinished, test} from 'vitest'
import {debian, followersOf, type PgNode, until} from '../support/cluster.ts'
import {lacks} from '../support/parts.ts'
import {crash, quickPrograms, reaped, rejoin} from '../support/rejoin-stage.ts'
import {repmgrCluster} from './repmgr.ts'

describe.skipIf(lacks('PostgreSQL 15') || lacks('repmgr'))('rejoin with repmgr', () => {
  test('after a failover by repmgrd the old primary streams, and is registered as a standby', async () => {
    const repmgr = await repmgrCluster()
    onTestFinished(() => repmgr[Symbol.asyncDispose]())
    const {cluster} = repmgr
    quickPrograms(cluster)
    const [host1, host2, host3] = cluster.nodes as [PgNode, PgNode, PgNode]
    await host1.sql('create table t (i int)')
    await crash(host1)
    await reaped(host1)
    const primary = async () => {
      for (const node of [host2, host3]) if (!(await node.sql('select pg_is_in_recovery() as r'))[0]?.r) return node
      return null
    }
    await until(async () => (await primary()) !== null)
    const next = (await primary()) as PgNode
    const third = next === host2 ? host3 : host2
    await until(async () => (await followersOf(next)).includes(third.name))
    expect(await repmgr.table(next)).toMatch(/host1=primary-/)

    const stage = {...{cluster, host1, host2, host3}, [Symbol.asyncDispose]: async () => {}}
    const register = [`TMPDIR=${cluster.folder}`, join(debian, 'repmgr'), '-f', `${host1.data}.repmgr.conf`]
    const command = ['/usr/bin/env', ...register, 'standby', 'register', '--force'].join(', ')
    const ran = await rejoin(stage, host1, {rejoin: `register: [${command}]`, more: ['repmgr: {dbname: repmgr}']})
    onTestFinished(() => crash(host1))
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    expect(ran.stdout).toMatch(/^ {2}done {2}.*repmgr.*standby register --force/m)
    expect(await followersOf(next)).toEqual(['host1', third.name])
    await until(async () => /host1=standby\+/.test(await repmgr.table(next)))
  })
})
