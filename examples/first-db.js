// One writer and two readers, read and written without a pause, and their status every few seconds:
// kill, freeze or promote the servers meanwhile.
//
//   PORTS=9000,9001,9002 node examples/first-db.js
//
// PGHOST (127.0.0.1), PGUSER, PGPASSWORD and PGDATABASE are PostgreSQL's own. SECONDS ends it.
import {connect} from 'pgroute66/connector'

const {PORTS = '9000,9001,9002', PGHOST = '127.0.0.1', PGUSER, PGPASSWORD, PGDATABASE, SECONDS} = process.env
const say = (line) => process.stdout.write(`${line}\n`)

const login = {user: PGUSER, password: PGPASSWORD}
const hosts = Object.fromEntries(
  PORTS.split(',').map((port, index) => [`node${index + 1}`, {host: PGHOST, port, ...login, dbname: PGDATABASE}]),
)
const connector = await connect({
  config: {password_encoding: 'plain', hosts},
  databases: {first_db: {connection: {...login, database: PGDATABASE}, read: {choose: 'random'}}},
})
const db = connector.use('first_db')
db.on('switch', ({from, to, verdict}) => say(`writes: ${from} > ${to} (${verdict.why})`))
db.on('suspect', ({host, error}) => say(`${host} is avoided: ${error.message}`))
db.on('back', ({host}) => say(`${host} is back`))

await db.write('create table if not exists demo (id bigint generated always as identity, at timestamptz default now())')

const counts = {reads: 0, writes: 0, lost: 0, unknown: 0}
let isOver = false
const callers = [...Array(8)].map(async (_, index) => {
  while (!isOver) {
    try {
      if (index === 0) await db.write('insert into demo default values')
      else await db.read('select count(*) from demo')
      counts[index === 0 ? 'writes' : 'reads'] += 1
    } catch (error) {
      counts[error.outcome === 'unknown' ? 'unknown' : 'lost'] += 1
      say(`${error.code} ${error.message}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
})

const status = () => {
  say(`${JSON.stringify(counts)} ${db.verdict.kind}: writes go to ${db.verdict.routedTo}`)
  for (const {name, role, online, queries, errors, connectionErrors, suspect} of db.nodes)
    say(`  ${name} ${role} online=${online} queries=${queries} errors=${errors}+${connectionErrors} ${suspect ?? ''}`)
}
const timer = setInterval(status, 4_000)
await new Promise((resolve) => (SECONDS ? setTimeout(resolve, SECONDS * 1_000) : process.once('SIGINT', resolve)))
isOver = true
clearInterval(timer)
await Promise.all(callers)
status()
await connector.close()
