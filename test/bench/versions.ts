import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {fileURLToPath} from 'node:url'
import type {Options, Row} from './table.ts'

const versions = [13, 14, 15, 16, 17, 18]
const files = ['test/sources/pg-versions.test.ts', 'test/lab/ahead.test.ts', 'test/lab/split-brain.test.ts']
const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the tests run on the oldest and the newest PostgreSQL, on each from 13 to 18. */
export async function run(_: Options): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const version of versions) {
    const args = ['vitest', 'run', '--config', 'test/vitest.config.ts', '-t', 'PostgreSQL', ...files]
    const child = spawn('npx', args, {cwd: root, env: {...process.env, POSTGRESQL_VERSIONS: `${version}`}})
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text
      })
    const [code] = await once(child, 'close')
    const count = /(\d+) passed, (\d+) failed/.exec(printed)?.[0] ?? `ended with ${code}`
    if (code !== 0) console.error(printed)
    rows.push({
      figure: `PostgreSQL ${version}: what a host tells, stops, and what is ahead of a primary`,
      measured: count,
      target: '0 failed',
      comparison: 'the same tests on each',
      met: code === 0,
    })
  }
  return rows
}
