import assert from 'node:assert/strict'
import {chmod, mkdtemp, readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {memoryStore} from '../../src/app/state/memory-store.ts'
import {OperatorError} from '../../src/core/errors.ts'
import {blankMemory, type Memory} from '../../src/core/verdict/group-memory.ts'
import {wrote} from '../support/records.ts'

const memory: Memory = {
  groups: {
    all: {
      hosts: ['host1', 'host2'],
      systemIdentifier: '7710428129421941699',
      wrote: [
        wrote(3, 'host1', {lsn: '0/3000000', by: 'host2', lost: '0/2000000'}),
        wrote(4, 'host2', {left: [{host: 'host3', timeline: 3, lsn: '0/3000010', from: '0/3000000'}], accepted: true}),
        wrote(5),
      ],
      voids: [{timeline: 4, host: null, for: 'host1'}],
      voidStandbys: {host2: '0/4021D70'},
      rivals: ['host1', 'host2'],
    },
    other: {...blankMemory, unproven: {'42': {wrote: [wrote(3)], voids: []}}},
  },
  drains: {host3: {since: 1_700_000_000_000, by: 'anna', reason: null}},
  maintenance: {since: 1_700_000_000_000, by: 'anna', reason: 'new disks', until: null},
}
const folder = () => mkdtemp(join(tmpdir(), 'pgroute66-state-'))
const fails = (code: string) => (error: unknown) =>
  error instanceof OperatorError && error.code === code && error.next.length > 0

test('another process loads the saved memory; only the owner may read the file', async () => {
  const path = join(await folder(), 'deep', 'er')
  await memoryStore(path).save(memory)
  assert.deepEqual(await memoryStore(path).load(), memory)
  assert.equal((await stat(join(path, 'memory.json'))).mode & 0o777, 0o644)
  assert.deepEqual(await readdir(path), ['memory.json'], 'no temporary file is left')
})

test('no file yet is an empty memory; no state_dir lives as long as the process', async () => {
  assert.deepEqual(await memoryStore(await folder()).load(), {groups: {}, drains: {}, maintenance: null})
  const store = memoryStore(null)
  await store.save(memory)
  assert.deepEqual(await store.load(), memory)
})

test('saves that overlap end with the last one', async () => {
  const path = await folder()
  const store = memoryStore(path)
  const saves = Array.from({length: 20}, (_, index) =>
    store.save({...memory, drains: {host1: {since: index, by: 'x', reason: 'r'.repeat(20_000 - index * 1000)}}}),
  )
  const reads = saves.map(() => memoryStore(path).load())
  await Promise.all([...saves, ...reads])
  assert.equal((await store.load()).drains.host1?.since, 19)
})

for (const [what, text] of Object.entries({
  'a torn file': '{"schema": 1, "groups": {',
  'an empty file': '',
  'a rival that is no name':
    '{"schema": 1, "groups": {"all": {"systemIdentifier": null, "highestTimeline": 3, "rivals": [1], ' +
    '"accepted": null}}, "drains": {}}',
  'a timeline that is no number':
    '{"schema": 1, "groups": {"all": {"systemIdentifier": null, "highestTimeline": "3", "rivals": [], ' +
    '"accepted": null}}, "drains": {}}',
})) {
  test(`${what} is an error that says what to do, never an empty memory`, async () => {
    const path = await folder()
    await writeFile(join(path, 'memory.json'), text)
    await assert.rejects(memoryStore(path).load(), fails('STATE_CORRUPT'))
    assert.equal(await readFile(join(path, 'memory.json'), 'utf8'), text, 'the file stays for the operator to look at')
  })
}

const first = (group: object) => JSON.stringify({schema: 1, groups: {all: group}, drains: {}})

test('a file of schema 1 is understood, and stays beside the new one', async () => {
  const path = await folder()
  const accepted = {host: 'host1', timeline: 2, overrules: 4}
  const text = first({systemIdentifier: '42', highestTimeline: 4, unproven: {'43': 9}, rivals: ['a', 'b'], accepted})
  await writeFile(join(path, 'memory.json'), text)
  const {groups} = await memoryStore(path).load()
  assert.deepEqual(groups.all, {
    ...blankMemory,
    systemIdentifier: '42',
    wrote: [wrote(4)],
    voids: [{timeline: 4, host: null, for: 'host1'}],
    rivals: ['a', 'b'],
    unproven: {'43': {wrote: [wrote(9)], voids: []}},
  })
  assert.deepEqual(await readdir(path), ['memory.json'], 'whoever only reads writes nothing')
  const store = memoryStore(path)
  await store.save(memory)
  await store.save(memory)
  assert.deepEqual(await readdir(path), ['memory.json', 'memory.json.1'])
  assert.equal(await readFile(join(path, 'memory.json.1'), 'utf8'), text)
})

test('a file of a later version is an error that says so', async () => {
  const path = await folder()
  await writeFile(join(path, 'memory.json'), '{"schema": 3, "groups": {}, "drains": {}}')
  await assert.rejects(memoryStore(path).load(), fails('STATE_NEWER'))
})

test('a memory that cannot be read or written says so', async () => {
  const path = await folder()
  await writeFile(join(path, 'file'), '')
  await assert.rejects(memoryStore(join(path, 'file')).load(), fails('STATE_UNREADABLE'))
  await assert.rejects(memoryStore(join(path, 'file')).save(memory), fails('STATE_NOT_SAVED'))
  await chmod(path, 0o700)
})
