/**
 * `npm run prove -- [PATH] [--tests] [--embedded]`: writes a page (prove.html) on which a sceptical
 * reader can see the promise attacked. `--tests` runs the command of each fault too, which takes
 * minutes more; `--embedded` takes the PostgreSQL from npm also where Debian's is installed. Ends with
 * 1 where something on the page breaks the promise.
 */
import {execFileSync} from 'node:child_process'
import {readFileSync, writeFileSync} from 'node:fs'
import {cpus, release, totalmem, type} from 'node:os'
import {join, resolve} from 'node:path'
import {parseArgs} from 'node:util'
import {runFaults} from './fault-runs.ts'
import {faults} from './faults.ts'
import {playScenes} from './live.ts'
import {naiveCommand} from './naive-check.ts'
import {notCovered} from './not-covered.ts'
import {breachesOf, type Proof, pageOf} from './page.ts'
import {exploreRulesOut, exploreWorlds} from './search.ts'

const root = join(import.meta.dirname, '..', '..')
const flag = {type: 'boolean', default: false} as const
const {values, positionals} = parseArgs({allowPositionals: true, options: {tests: flag, embedded: flag}})
const path = resolve(positionals[0] ?? 'prove.html')
const begun = performance.now()
const say = (line: string) => console.log(line)

say('every history of small worlds …')
const worlds = exploreWorlds()
say('the same, with one rule after the other taken out …')
const rulesOut = exploreRulesOut()
say('the same on real servers, beside a psql check …')
const scenes = await playScenes(say, values.embedded ? 'embedded' : undefined)
if (values.tests) say('the command of each fault …')
const ran = values.tests ? await runFaults(faults, say) : new Map()

const memory = `${Math.round(totalmem() / 2 ** 30)} GB`
const proof: Proof = {
  version: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
  commit: commitOf(),
  at: new Date().toISOString().slice(0, 16).replace('T', ' '),
  machine: `${type()} ${release()}, ${cpus().length} cores, ${memory}, Node.js ${process.version}`,
  naive: naiveCommand,
  minutes: (performance.now() - begun) / 60_000,
  worlds,
  rulesOut,
  faults,
  ran,
  scenes,
  notCovered,
}
writeFileSync(path, pageOf(proof))
const breaches = breachesOf(proof)
for (const breach of breaches) console.error(`BROKEN: ${breach}`)
say(`${path} is written, in ${proof.minutes.toFixed(1)} minutes: ${breaches.length} breaches`)
process.exitCode = breaches.length > 0 ? 1 : 0

function commitOf(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {cwd: root, encoding: 'utf8'}).trim()
  } catch {
    return 'unknown (no git here)'
  }
}
