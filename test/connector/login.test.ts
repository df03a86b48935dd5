import {expect, onTestFinished, test} from 'vitest'
import {connect} from '../../src/connector/index.ts'
import type {Connector} from '../../src/connector/types.ts'
import {type Cluster, testCluster} from '../support/cluster.ts'
import {configOf} from './callers.ts'

async function opened(site: Cluster, password: string): Promise<Connector> {
  const connection = {user: 'pgroute66', password, database: 'postgres'}
  const databases = {default: {connection, read: {wait: '60s'}, write: {wait: '60s'}}}
  const connector = await connect({config: configOf(site), databases, patience: '60s'})
  onTestFinished(() => connector.close({grace: '1s'}))
  return connector
}

test('a login by password: on each way to a connection, and a wrong one is told at once', async () => {
  const site = await testCluster({scram: true})
  const db = (await opened(site, 'pgroute66')).use()
  const answer = 'select 42 as n'
  const client = new db.driver.Client({host: 'writer'})
  await client.connect()
  const ways = [
    db.read(answer),
    db.write(answer),
    db.reader.query(answer),
    db.writer.query(answer),
    client.query(answer),
  ]
  expect((await Promise.all(ways)).map(({rows}) => rows[0].n)).toEqual([42, 42, 42, 42, 42])
  await client.end()
  const wrong = await opened(site, 'wrong')
  for (const kind of ['read', 'write'] as const)
    await expect(wrong.use()[kind](answer)).rejects.toMatchObject({code: '28P01'})
  await wrong.close()
})
