/** `npm run bench -- [NAME…] [--short] [--minutes N]`: measures, beside something known in the same run. Ends with 1 only when a run broke. */
import {parseArgs} from 'node:util'
import {type Options, type Row, table} from './table.ts'

type Bench = Readonly<{run(options: Options): Promise<readonly Row[]>}>

const benches: Readonly<Record<string, Readonly<{about: string; load: () => Promise<Bench>}>>> = {
  crash: {
    about: 'kill -9 of the primary, until /v1/primary is []; promotion, until it names the new one',
    load: () => import('./crash.ts'),
  },
  hang: {about: 'a frozen host: noticed when, and what it does to the API', load: () => import('./hang.ts')},
  rest: {about: 'a minute at rest: connections and log lines in PostgreSQL, CPU and memory of serve', load: () => import('./rest.ts')},
}

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {short: {type: 'boolean', default: false}, minutes: {type: 'string'}},
})
const unknown = positionals.filter((name) => name !== 'list' && benches[name] === undefined)
if (positionals.includes('list') || unknown.length > 0) {
  if (unknown.length > 0) console.error(`there is no bench ${unknown.join(', ')}; there are:`)
  for (const [name, {about}] of Object.entries(benches)) console.log(`  ${name.padEnd(8)} ${about}`)
  process.exit(unknown.length > 0 ? 2 : 0)
}

const names = positionals.length > 0 ? positionals : Object.keys(benches)
const options: Options = {short: values.short, minutes: values.minutes === undefined ? null : Number(values.minutes)}
for (const name of names) {
  console.log(`\n${name}: ${benches[name]?.about}`)
  const bench = await benches[name]?.load()
  console.log(table((await bench?.run(options)) ?? []))
}
process.exit(0)
