import assert from 'node:assert/strict'
import {appendFile, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {ChangeJournal} from '../../src/app/state/change-journal.ts'
import {change, keptLog} from '../support/fake-source.ts'
import {noon, primary, snapshot} from '../support/snapshots.ts'

const folder = () => mkdtemp(join(tmpdir(), 'pgroute66-journal-'))
const publication = (name: string, sequence = 1) => ({
  changes: [change(name, 'standby', 'primary')],
  snapshot: snapshot({sequence, hosts: {host1: primary()}}),
})
const hostsOf = (journal: ChangeJournal) => journal.latest().map(({change: {host}}) => host)
async function filled(stateDir: string, from: number, to: number) {
  await using journal = await ChangeJournal.open(stateDir, keptLog())
  for (let index = from; index < to; index += 1) journal.record(publication(`h${index}`, index), noon.wall + index)
}
const linesOf = async (stateDir: string) =>
  (await readFile(join(stateDir, 'changes.jsonl'), 'utf8')).split('\n').filter(Boolean)

test('the last thousand are there after a restart, as they were, and the file stays small', async () => {
  const stateDir = join(await folder(), 'new')
  await filled(stateDir, 0, 700)
  await filled(stateDir, 700, 1_400)
  await filled(stateDir, 1_400, 2_500)
  const log = keptLog()
  await using journal = await ChangeJournal.open(stateDir, log)
  const latest = journal.latest()
  assert.equal(latest.length, 1_000)
  assert.deepEqual(latest.at(-1), {
    at: noon.wall + 2_499,
    epoch: snapshot({hosts: {}}).epoch,
    sequence: 2_499,
    change: change('h2499', 'standby', 'primary'),
  })
  assert.ok((await linesOf(stateDir)).length <= 2_000)
  assert.deepEqual(log.lines, [])
})

test('half a line of a crash and foreign lines are skipped; the next change is whole', async () => {
  const stateDir = await folder()
  await filled(stateDir, 0, 2)
  await appendFile(join(stateDir, 'changes.jsonl'), '[]\n{"at":"2026')
  await filled(stateDir, 2, 3)
  await using journal = await ChangeJournal.open(stateDir, keptLog())
  assert.deepEqual(hostsOf(journal), ['h0', 'h1', 'h2'])
})

test('without a state_dir the journal is in memory; a new state_dir gets the whole journal', async () => {
  const stateDir = await folder()
  {
    await using journal = await ChangeJournal.open(null, keptLog())
    journal.record(publication('h0'), noon.wall)
    journal.applyConfig({stateDir})
    journal.record(publication('h1'), noon.wall)
    assert.deepEqual(hostsOf(journal), ['h0', 'h1'])
  }
  assert.equal((await linesOf(stateDir)).length, 2)
})

test('a state_dir that cannot be written: one log line, and the journal keeps every change in memory', async () => {
  const parent = await folder()
  const stateDir = join(parent, 'file')
  await writeFile(stateDir, '')
  const log = keptLog()
  {
    await using journal = await ChangeJournal.open(stateDir, log)
    for (const name of ['h0', 'h1']) {
      journal.record(publication(name), noon.wall)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.deepEqual(hostsOf(journal), ['h0', 'h1'])
  }
  assert.equal(log.lines.filter(({message}) => message.includes('cannot be written')).length, 1)
  await rm(parent, {recursive: true})
})
