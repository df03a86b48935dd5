import {until} from '../../src/demo/wait-until.ts'
import {crowdKinds, hostileCrowd, type Measured, measured} from '../support/hostile-crowd.ts'
import type {Options, Row} from './table.ts'

const mostMb = 150
/** After the first cause: `serve` asks again and again. */
const serveMs = 4_000
const cause = /"cause":\s*"[a-z-]+"|→ unavailable: [a-z-]+: \S/

/**
 * Servers that no PostgreSQL is, each by itself against `check`, `watch` and `serve`: the memory of the process,
 * the cause that it gives, and whether it sent the password; then all of them at once against `serve`.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  await using crowd = await hostileCrowd()
  const kinds = [...crowdKinds.keys()].slice(0, short ? 6 : crowdKinds.length)
  const serve = (file: string, ms: number) =>
    measured(['serve', '-c', file], crowd.folder, async (output) => {
      await until(() => cause.test(output()))
      await new Promise((resolve) => setTimeout(resolve, ms))
    })
  const commands: Readonly<Record<string, (nth: number) => Promise<Measured>>> = {
    check: (nth) =>
      measured(['check', '--direct', '--json', '-c', crowd.fileOf(nth), '--timeout', '20s'], crowd.folder),
    watch: (nth) => measured(['watch', '--once', '--json', '--direct', '-c', crowd.fileOf(nth)], crowd.folder),
    serve: (nth) => serve(crowd.fileOf(nth), serveMs),
  }
  const rows: Row[] = []
  for (const [command, runOne] of Object.entries(commands)) {
    const all: Measured[] = []
    for (const nth of kinds) all.push(await runOne(nth))
    const told = all.filter(({output}) => cause.test(output)).length
    const most = Math.max(...all.map((one) => one.mostMb))
    rows.push(rowOf(`${command}, ${kinds.length} kinds, a process each`, most, `${told} with a cause`, crowd.leaked()))
  }
  const together = await serve(crowd.allFile, short ? 5_000 : 30_000)
  const ended = `ended with ${together.code}`
  rows.push({
    ...rowOf(`serve, ${crowdKinds.length} kinds at once`, together.mostMb, ended, crowd.leaked()),
    target: '',
    met: null,
  })
  return rows
}

const rowOf = (figure: string, most: number, told: string, leaked: readonly string[]): Row => ({
  figure,
  measured: `${most.toFixed(0)} MB, ${told}; sent the password: ${leaked.length}`,
  target: `≤ ${mostMb} MB, a cause each, 0`,
  comparison: leaked.join(', '),
  met: most <= mostMb && leaked.length === 0,
})
