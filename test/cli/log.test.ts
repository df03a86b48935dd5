import assert from 'node:assert/strict'
import {mkdtemp, readFile, rename} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {openLog} from '../../src/app/serve/log.ts'
import {textLine} from '../../src/app/serve/log-line.ts'

const line = (fields: object) =>
  textLine(JSON.stringify({level: 'warn', time: '2026-11-21T01:00:00.000Z', msg: 'said', ...fields}))

test('a line of text tells time, level, message and fields', () => {
  assert.equal(line({host: 'host1', why: 'a b'}), '2026-11-21T01:00:00.000Z WARN  said host=host1 why="a b"\n')
})

test('what a server says cannot break a line or drive a terminal', () => {
  const text = line({msg: 'one\ntwo\u001b[2J\u009b', detail: 'x\ny'})
  assert.equal(text.split('\n').length, 2)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(text.trimEnd(), /[\u0000-\u001f\u007f-\u009f]/)
})

test('after a rotation the log goes to the new file; a new level takes effect with a reload', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'pgroute66-log-')), 'pgroute66.log')
  const log = openLog({level: 'info', format: 'json', file})
  log.debug({}, 'hidden')
  log.info({n: 1}, 'first')
  await rename(file, `${file}.1`)
  log.reopen({level: 'debug', format: 'text', file})
  log.debug({}, 'second')
  await log.close()
  const [{time, ...first}] = (await readFile(`${file}.1`, 'utf8'))
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text)) as [Record<string, unknown>]
  assert.deepEqual(first, {level: 'info', n: 1, msg: 'first'})
  assert.match(String(time), /^\d{4}-.*Z$/)
  assert.match(await readFile(file, 'utf8'), / DEBUG second\n$/)
})

test('a log file that cannot be opened at the start: the error names the path', () => {
  const error = {code: 'LOGFILE', message: 'logfile /nowhere/at/all cannot be opened (ENOENT)'}
  assert.throws(() => openLog({level: 'info', format: 'text', file: '/nowhere/at/all'}), error)
})

test('a reload that cannot open the new log file: the old log file stays in use', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'pgroute66-log-')), 'pgroute66.log')
  const log = openLog({level: 'info', format: 'text', file})
  log.reopen({level: 'info', format: 'text', file: '/nowhere/at/all'})
  log.info({}, 'still here')
  await log.close()
  assert.match(await readFile(file, 'utf8'), /cannot be opened.*\n.*still here\n$/)
})
