import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {fstatSync, openSync} from 'node:fs'
import {mkdtemp, readFile, rename, writeFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onTestFinished, test} from 'vitest'
import {openLog} from '../../src/app/serve/log.ts'
import {textLine} from '../../src/app/serve/log-line.ts'
import {run, runJs} from '../support/run.ts'

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

test('a start that fails is told in the log file too', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const {port} = taken.address() as {port: number}
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-log-'))
  const host = 'hosts: {host1: {host: 127.0.0.1, port: 1, user: a}}'
  await writeFile(join(cwd, 'a.yml'), `${host}\nport: ${port}\nlogfile: ${cwd}/a.log\n`, {mode: 0o600})
  const {code, stderr} = await run(['serve', '-c', 'a.yml'], {cwd})
  assert.equal(code, 2)
  const text = await readFile(join(cwd, 'a.log'), 'utf8')
  const [last = ''] = text.trimEnd().split('\n').slice(-1)
  assert.match(last, /ERROR the daemon ends: cannot listen on .* code=LISTEN next=/)
  assert.match(stderr, /cannot listen on/)
})

test('a bug that ends the daemon is in the log file before the process is gone', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'pgroute66-log-')), 'pgroute66.log')
  const log = openLog({level: 'info', format: 'json', file})
  log.died(new TypeError('it broke'))
  const {level, msg, stack} = JSON.parse(await readFile(file, 'utf8'))
  assert.deepEqual([level, msg], ['error', 'the daemon ends: it broke'])
  assert.match(stack, /log\.test\.ts/)
  await log.close()
})

test('a journal gets the priority of each line; another standard error does not', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-log-'))
  const config = 'hosts: {host1: {host: 127.0.0.1, port: 1, user: a}}\nport: 0\nsocket: ./s.sock\n'
  await writeFile(join(cwd, 'a.yml'), config, {mode: 0o600})
  const logOf = async (name: string, streamOf: (path: Readonly<{dev: number; ino: number}>) => string) => {
    const path = join(cwd, name)
    const fd = openSync(path, 'w')
    const env = {...process.env, JOURNAL_STREAM: streamOf(fstatSync(fd))}
    const child = spawn(process.execPath, [runJs, 'serve', '-c', 'a.yml'], {cwd, env, stdio: ['ignore', 'ignore', fd]})
    onTestFinished(() => void child.kill('SIGKILL'))
    const text = () => readFile(path, 'utf8')
    while (!(await text()).includes('listening')) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGTERM')
    await once(child, 'exit')
    return text()
  }
  const journal = await logOf('journal', ({dev, ino}) => `${dev}:${ino}`)
  assert.match(journal, /^<6>\S+ INFO {2}starting/)
  assert.match(journal, /\n<3>\S+ ERROR verdict of all/)
  assert.doesNotMatch(await logOf('other', ({dev, ino}) => `${dev}:${ino + 1}`), /^</m)
})
