import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {promisify} from 'node:util'
import pg from 'pg'
import {debian, type PgNode} from '../support/cluster.ts'

const run = promisify(execFile)
const psql = ['/usr/bin/psql', join(debian, 'psql')].find((path) => existsSync(path)) ?? null
const question = 'select pg_is_in_recovery()'

/** What the column of the page says: the command, or the driver where there is no psql. */
export const naiveCommand =
  psql === null ? `${question} (by node-postgres: there is no psql here)` : `psql -Atc "${question}"`

/** `f`: a primary; `t`: a standby; else: no answer, with the reason. */
export async function naiveAnswer({port, isRunning}: PgNode): Promise<string> {
  if (!isRunning) return 'no answer: connection refused'
  try {
    if (psql === null) return await byDriver(port)
    const args = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'pgroute66', '-d', 'postgres', '-Atc', question]
    const {stdout} = await run(psql, args, {env: {PGCONNECT_TIMEOUT: '10', LC_ALL: 'C'}})
    return stdout.trim()
  } catch (error) {
    return `no answer: ${String((error as {stderr?: string}).stderr ?? error).split('\n')[0]}`
  }
}

async function byDriver(port: number): Promise<string> {
  const client = new pg.Client({host: '127.0.0.1', port, user: 'pgroute66', database: 'postgres', ssl: false})
  await client.connect()
  try {
    const {rows} = await client.query(question)
    return rows[0]?.pg_is_in_recovery === true ? 't' : 'f'
  } finally {
    await client.end()
  }
}
