import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Fault, Shown} from './faults.ts'
import type {Ran} from './page.ts'

const root = join(import.meta.dirname, '..', '..')

/** Runs the command of each fault, one after the other. A command that finds no test has failed. */
export async function runFaults(
  faults: readonly Fault[],
  say: (line: string) => void,
): Promise<ReadonlyMap<string, Ran>> {
  const ran = new Map<string, Ran>()
  for (const {name, shown} of faults) {
    if (shown === null) continue
    const result = await runOne(shown)
    say(`  ${result.outcome} in ${result.seconds.toFixed(0)} s: ${name}`)
    ran.set(name, result)
  }
  return ran
}

async function runOne({file, title}: Shown): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-prove-'))
  const report = join(folder, 'report.json')
  const begun = performance.now()
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const args = [vitest, 'run', '--config', 'test/vitest.config.ts', file, '-t', title]
    const reporting = ['--reporter=json', `--outputFile=${report}`]
    const child = spawn(process.execPath, [...args, ...reporting], {cwd: root, stdio: 'ignore'})
    const [code] = await once(child, 'close')
    const seconds = (performance.now() - begun) / 1_000
    if (code !== 0) return {outcome: 'failed', seconds}
    // Tests that the title does not name count as pending, as do those that are skipped.
    const {numPassedTests} = JSON.parse(readFileSync(report, 'utf8'))
    return {outcome: numPassedTests > 0 ? 'passed' : 'skipped', seconds}
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}
