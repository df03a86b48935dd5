import {join} from 'node:path'
import pg from 'pg'
import {describe, expect, onTestFinished, test, vi} from 'vitest'
import {connect} from '../../src/connector/index.ts'
import type {Database, PgModule} from '../../src/connector/types.ts'
import {watchCluster} from '../../src/index.ts'
import {type Cluster, testCluster, until} from '../support/cluster.ts'
import {libraries as folder, lacksLibraries} from '../support/parts.ts'
import {byProgress, configOf, onAStandby} from './callers.ts'

/** What a library does with the database, as its adapter in test/libraries has it. */
type Library = Readonly<{
  /** 42, from the database. */
  read(): Promise<number>
  write(value: number): Promise<unknown>
  /** Writes within a transaction, throws `error` there, and rejects with it. */
  rollBack(value: number, error: Error): Promise<unknown>
  /** 500 rows, one after the other. */
  stream(): AsyncIterable<unknown>
  close(): Promise<unknown>
}>

const names = [
  ...['kysely', 'drizzle', 'prisma', 'mikro-orm', 'graphile-worker'],
  ...['pg-boss', 'typeorm', 'sequelize', 'knex', 'pg-promise'],
]

/** A database of its own for each library, since some end the pools that they were given. */
async function opened(site: Cluster): Promise<() => Promise<Database>> {
  // The libraries' own copy of pg: their instanceof and their type parsers count.
  const own = (await import(join(folder, 'node_modules', 'pg', 'esm', 'index.mjs'))) as {default: PgModule}
  const source = await watchCluster(configOf(site))
  onTestFinished(() => source[Symbol.asyncDispose]())
  const connection = {user: 'app', password: 'app', database: 'app'}
  const databases = {default: {connection, read: {wait: '60s'}, write: {wait: '60s'}}}
  return async () => {
    const connector = await connect({source, databases, patience: '60s', pg: own.default})
    onTestFinished(() => connector.close({grace: '1s'}))
    return connector.use()
  }
}

async function cluster(): Promise<Cluster> {
  const site = await testCluster({hba: ['host all pgroute66,app 127.0.0.1/32 trust'], synchronous: onAStandby})
  const host1 = site.node('host1')
  await host1.sql('create role app login')
  await host1.sql('create database app owner app')
  await inApp(host1.port, 'create table rows (library text not null, value int not null)')
  return site
}

async function inApp(port: number, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({host: '127.0.0.1', port, user: 'app', database: 'app', ssl: false})
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

/** A new value for each try, so that a write that is done twice is seen. */
async function written(library: Library, values: Iterator<number>): Promise<number> {
  const end = performance.now() + 60_000
  for (;;) {
    const value = values.next().value as number
    try {
      await library.write(value)
      return value
    } catch (error) {
      // A library tells in its own words that its connection was lost.
      if (performance.now() > end) throw error
    }
  }
}

async function rolledBack(library: Library, value: number): Promise<void> {
  const wanted = new Error('rolled back')
  await expect(library.rollBack(value, wanted)).rejects.toThrow('rolled back')
}

async function rowsOf(stream: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of stream) count += 1
  return count
}

const settled = (db: Database, ...hosts: string[]) =>
  until(() => hosts.every((name) => db.node(name).lagBytes !== null), 60_000)

describe.skipIf(lacksLibraries)('the ten libraries', () => {
  test('each reads, writes, rolls back, streams, and lives through kill -9 and a promotion', async () => {
    const site = await cluster()
    const database = await opened(site)
    const db = await database()
    await settled(db, 'host2', 'host3')
    const values = numbers()
    const warned = vi.spyOn(console, 'warn')
    const libraries = new Map<string, Library>()
    for (const name of names) {
      const {open} = await import(join(folder, 'adapters', `${name}.js`))
      libraries.set(name, await open({db: await database()}))
    }
    const done: (readonly [string, number])[] = []
    const undone: (readonly [string, number])[] = []
    const round = async (name: string, library: Library) => {
      done.push([name, await written(library, values)])
      const value = values.next().value as number
      undone.push([name, value])
      await rolledBack(library, value)
      expect(await library.read(), name).toBe(42)
      expect(await rowsOf(library.stream()), name).toBe(500)
    }
    for (const [name, library] of libraries) await round(name, library)

    await site.node('host1').kill()
    const [next, third] = await byProgress([site.node('host2'), site.node('host3')])
    await next.promote()
    await third.follow(next)
    await until(() => db.verdict.routedTo === next.name, 60_000)
    await settled(db, third.name)
    await Promise.all(
      [...libraries].map(async ([name, library]) => {
        done.push([name, await written(library, values)])
      }),
    )
    for (const [name, library] of libraries) await round(name, library)

    const rows = await inApp(next.port, 'select library, value, count(*)::int from rows group by 1, 2')
    const countOf = ([name, value]: readonly [string, number]) =>
      rows.find((row) => row.library === name && row.value === value)?.count ?? 0
    expect(done.filter((one) => countOf(one) !== 1)).toEqual([])
    expect(undone.filter((one) => countOf(one) !== 0)).toEqual([])
    expect(done.length).toBe(3 * names.length)
    for (const library of libraries.values()) await library.close()
    expect(warned.mock.calls).toEqual([])
  })

  test('twenty concurrent transactions of Drizzle that roll back leave no row', async () => {
    const site = await cluster()
    const database = await opened(site)
    const {open} = await import(join(folder, 'adapters', 'drizzle.js'))
    const drizzle: Library = await open({db: await database()})
    await Promise.all(Array.from({length: 20}, (_, value) => rolledBack(drizzle, value)))
    expect(await inApp(site.node('host1').port, 'select * from rows')).toEqual([])
  })
})

function* numbers(): Generator<number, never> {
  for (let value = 1; ; value += 1) yield value
}
