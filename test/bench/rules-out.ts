import {execFile} from 'node:child_process'
import {cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {promisify} from 'node:util'
import type {Options, Row} from './table.ts'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** A rule of src/core/SPEC.md, and what takes it out: `text` of `file` becomes `without`. */
type Cut = Readonly<{rule: string; file: string; text: string; without: string}>

const cuts: readonly Cut[] = [
  {
    rule: 'V2 (e) an operator overruled it',
    file: 'ahead.ts',
    text: 'whenOverruled(writer, known) ?? older',
    without: 'older',
  },
  {
    rule: 'V2 (a) a higher timeline',
    file: 'ahead.ts',
    text: 'const older = whenOlder(primary, view, known)',
    without: 'const older = null',
  },
  {
    rule: 'V2 (b) a second writer',
    file: 'ahead.ts',
    text: ' ?? whenSecondWriter(writer, view, known)',
    without: '',
  },
  {
    rule: 'V2 (c) a standby holds more',
    file: 'memory.ts',
    text: 'return lsn === null ? [] : [{lsn, by: position.host}]',
    without: 'return []',
  },
  {
    rule: 'V2 (d) it had more',
    file: 'memory.ts',
    text: 'if (own !== undefined && wasAskedSince && isBeyond(own.lsn, now) && own.lsn !== null)',
    without: 'if (false)',
  },
  {
    rule: 'V1 ends for a refusal only after a last word',
    file: 'rivals.ts',
    text: 'if (!record.isStopping || !isRefusing',
    without: 'if (!isRefusing',
  },
  {
    rule: 'V1 stays for a silent rival',
    file: 'rivals.ts',
    text: 'before.flatMap(',
    without: '[].flatMap(',
  },
  {
    rule: 'S19 a new primary is asked again',
    file: 'verdict.ts',
    text: 'const unasked = askedBefore(primary, findings)',
    without: 'const unasked = null',
  },
]

/**
 * Takes out one rule of the judge after the other, in a copy, and counts the random histories until
 * one notices.
 */
export async function run({short, runs}: Options): Promise<readonly Row[]> {
  const count = runs ?? (short ? 1_000 : 10_000)
  const rows: Row[] = []
  for (const cut of cuts) rows.push(await rowOf(cut, count))
  return rows
}

async function rowOf(cut: Cut, count: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-rules-out-'))
  using _ = {[Symbol.dispose]: () => rmSync(folder, {recursive: true, force: true})}
  for (const part of ['src', 'test/support', 'package.json'])
    cpSync(join(root, part), join(folder, part), {recursive: true})
  takeOut(cut, folder)
  const breach = await firstBreach(folder, count)
  const limit = count.toLocaleString('en')
  return {
    figure: `without ${cut.rule}`,
    measured: breach === null ? `not found in ${limit}` : `${breach.histories} histories`,
    target: `≤ ${limit}`,
    comparison: breach?.message ?? '',
    met: breach !== null,
  }
}

function takeOut({rule, file, text, without}: Cut, folder: string): void {
  const path = join(folder, 'src/core/verdict', file)
  const parts = readFileSync(path, 'utf8').split(text)
  if (parts.length !== 2) throw new Error(`${rule}: "${text}" is ${parts.length - 1} times in ${file}, not once`)
  writeFileSync(path, parts.join(without))
}

type Found = Readonly<{histories: number; message: string}>

/** In a process of its own: the code of the copy, and nothing of this one. */
async function firstBreach(folder: string, count: number): Promise<Found | null> {
  const history = pathToFileURL(join(folder, 'test/support/history.ts'))
  const program = `
    const {playHistory} = await import('${history}')
    let found = null
    for (let seed = 0; seed < ${count} && found === null; seed += 1)
      await playHistory(seed).catch(({message}) => {
        found = {histories: seed + 1, message: message.split('\\n')[0]}
      })
    console.log(JSON.stringify(found))`
  const {stdout} = await execute(process.execPath, ['--input-type=module', '--eval', program])
  return JSON.parse(stdout) as Found | null
}
