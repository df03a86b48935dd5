import {playSharedHistory} from '../support/shared/history.ts'
import type {Options, Row} from './table.ts'

/**
 * Random histories of three to five instances, by the product's core on a virtual clock. `SEED=123` begins with
 * another one than 0; `--runs` (or `COUNT`) says how many. A breach is told with the seed that plays it again.
 */
export async function run({short, runs}: Options): Promise<readonly Row[]> {
  const from = Number(process.env.SEED ?? 0)
  const count = runs ?? Number(process.env.COUNT ?? (short ? 100 : 10_000))
  const begun = performance.now()
  let [checks, takeovers] = [0, 0]
  const breaches: string[] = []
  for (let seed = from; seed < from + count; seed += 1) {
    try {
      const played = await playSharedHistory(seed)
      checks += played.checks
      takeovers += played.takeovers
    } catch (error) {
      breaches.push((error as Error).message.split('\n')[0] ?? '')
      console.error((error as Error).message)
    }
    if ((seed - from) % 500 === 499) console.error(`  ${seed - from + 1} of ${count}, ${breaches.length} breaches`)
  }
  const number = (value: number) => value.toLocaleString('en')
  return [
    {
      figure:
        `${number(count)} histories from seed ${from}: ` +
        '3 to 5 instances that die, freeze, restart, lose etcd and each other',
      measured: [`${breaches.length} breaches in ${number(checks)} looks`, ...breaches.slice(0, 3)].join('; '),
      target: '0 breaches',
      comparison: `${number(takeovers)} takeovers; ${Math.round((performance.now() - begun) / count)} ms each`,
      met: breaches.length === 0,
    },
  ]
}
