import {execFile} from 'node:child_process'
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import pg from 'pg'
import {expect, test} from 'vitest'
import {hostsYaml, testCluster, until} from '../support/cluster.ts'
import {fences} from '../support/markdown.ts'
import {lacksLibraries, libraries} from '../support/parts.ts'

const root = join(import.meta.dirname, '..', '..')
/** The first one opens the connector for the others. */
const examplesOf = (page: string): readonly string[] => {
  const [preamble, ...examples] = fences(readFileSync(join(root, 'docs', page), 'utf8'))
    .filter(({language}) => language === 'js')
    .map(({text}) => text)
  return examples.map((example) => `${preamble}\n${example}\nawait connector.close()\n`)
}

test('every example of both pages, and the demonstration in examples/, run on three real servers', async () => {
  const examples = [...examplesOf('connector.md'), ...(lacksLibraries ? [] : examplesOf('libraries.md'))]
  expect(examples.length).toBeGreaterThan(lacksLibraries ? 4 : 14)
  const cluster = await testCluster({hba: ['host all pgroute66,app 127.0.0.1/32 trust']})
  const [host1] = cluster.nodes
  await host1?.sql("create role app login password 'secret'")
  await host1?.sql('create database app owner app')
  const tables = `create table accounts (id int primary key, balance int not null);
    insert into accounts values (1, 100), (2, 100); create table transfers (id uuid primary key, amount int)`
  const client = new pg.Client({host: '127.0.0.1', port: host1?.port, user: 'app', database: 'app', ssl: false})
  await client.connect()
  await client.query(tables)
  await client.end()
  await until(async () => (await host1?.sql("select from pg_stat_replication where state = 'streaming'"))?.length === 2)
  const cwd = mkdtempSync(join(tmpdir(), 'pgroute66-examples-'))
  writeFileSync(join(cwd, 'pgroute66.yml'), `${hostsYaml(cluster)}\n`, {mode: 0o600})
  mkdirSync(join(cwd, 'node_modules'))
  const beside = join(libraries, 'node_modules')
  const names = lacksLibraries ? [] : readdirSync(beside).filter((name) => !name.startsWith('.'))
  for (const name of names) symlinkSync(join(beside, name), join(cwd, 'node_modules', name))
  symlinkSync(root, join(cwd, 'node_modules', 'pgroute66'))
  const ends = {timeout: 120_000, killSignal: 'SIGKILL'} as const
  for (const [index, example] of examples.entries()) {
    const file = join(cwd, `example-${index}.mjs`)
    writeFileSync(file, example)
    const {stderr} = await promisify(execFile)(process.execPath, [file], {cwd, ...ends})
    expect(stderr, example).toBe('')
  }
  const env = {
    ...process.env,
    ...{PORTS: cluster.nodes.map(({port}) => port).join(','), PGUSER: 'app', PGPASSWORD: 'secret', PGDATABASE: 'app'},
    SECONDS: '2',
  }
  const demo = promisify(execFile)(process.execPath, [join(root, 'examples', 'first-db.js')], {cwd, env, ...ends})
  const {stdout, stderr} = await demo
  expect(stderr).toBe('')
  expect(stdout).toMatch(
    /"lost":0,"unknown":0\} primary: writes go to node1\n {2}node1 primary online=true queries=[1-9]/,
  )
})
