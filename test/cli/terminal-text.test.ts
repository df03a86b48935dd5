import assert from 'node:assert/strict'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {plainLine, plainText} from '../../src/app/cli/print.ts'
import {printable} from '../../src/ui/text/cells.ts'
import {fakeDaemon} from '../support/fake-daemon.ts'
import {run, start} from '../support/run.ts'

/** ESC and a colour, a title of the window (OSC … BEL), C1, a mark that reverses the line, a tag. */
const hostile = 'A\u001b[31mB\u001b]0;title\u0007C\u009b2JD\u202eE\u2066F\u200bG\u{e0041}H\rI'
/** Written out again: the test must not use the rule that it tests. */
const unsafe = /[^\P{Cc}\n\t]|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/u

test('each character that a terminal obeys is written as in JSON', () => {
  const text = plainText(`${hostile}\n\tend`)
  assert.equal(
    text,
    'A\\u001b[31mB\\u001b]0;title\\u0007C\\u009b2JD\\u202eE\\u2066F\\u200bG\\udb40\\udc41H\\u000dI\n\tend',
  )
  assert.equal(plainLine('one\ntwo\t'), 'one\\u000atwo\\u0009')
  const document = JSON.stringify({hostile, kept: 'äöü 接続 👩‍👩‍👧 é'}, null, 2)
  assert.deepEqual(JSON.parse(plainText(document)), JSON.parse(document))
  assert.equal(plainText('äöü 接続 👩‍👩‍👧 é "\\"'), 'äöü 接続 👩‍👩‍👧 é "\\"')
  assert.doesNotMatch(printable(`${hostile}\n`), unsafe)
})

/** A server that refuses each login with a message for the terminal. */
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    if (chunk.readInt32BE(4) === 80877103) return socket.write('N')
    const body = Buffer.from(`SFATAL\0C28000\0M${hostile}\0\0`)
    const head = Buffer.alloc(5)
    head.write('E')
    head.writeInt32BE(body.length + 4, 1)
    return socket.end(Buffer.concat([head, body]))
  })
})
let cwd: string
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cwd = await mkdtemp(join(tmpdir(), 'pgroute66-terminal-'))
  const {port} = server.address() as {port: number}
  const hosts = `hosts: {h1: {host: 127.0.0.1, port: ${port}, user: u, dbname: "${'d\\u202ed'}"}}\n`
  await writeFile(join(cwd, 'pgroute66.yml'), `${hosts}port: 0\nbind: 127.0.0.1\n`, {mode: 0o600})
  await writeFile(join(cwd, '\u001b[2J.yml'), 'hosts: 5\n', {mode: 0o600})
})
afterAll(() => void server.close())

const asked = {exit: 1, ok: false, text: `h1: a standby ${hostile}`, recognised: true}
const refused = {status: 421, code: 'NOT_MY_HOSTS', title: hostile, detail: hostile, next: hostile}
const doors: readonly (readonly [args: string, daemon?: object])[] = [
  ['check --direct --timeout 60s'],
  ['check h1 --direct --json --timeout 60s'],
  ['check h1 --direct --format nagios --timeout 60s'],
  ['check h1 --fallback none', asked],
  ['check h1 --timeout 60s', refused],
  ['config check --connect'],
  ['config check --connect --json'],
  ['config show'],
  ['config check -c \u001b[2J.yml'],
  ['config check -c nosuch\u001b[2J.yml --json'],
  ['watch --once'],
  ['watch --once --json'],
  ['check \u001b[31mx --direct'],
  ['\u001b[31mx'],
  ['init'],
]
test.each(doors.map(([args, daemon]) => ({args, daemon})))('$args: nothing that a terminal obeys', async (door) => {
  await using daemon = door.daemon ? await fakeDaemon(door.daemon) : null
  const env: Record<string, string> = daemon ? {PGROUTE66_SOCKET: daemon.socket} : {}
  const {stdout, stderr, code} = await run(door.args.split(' '), {cwd, env})
  expect(code).not.toBe(70)
  assert.ok((stdout + stderr).length > 0)
  assert.doesNotMatch(stdout + stderr, unsafe)
})

test.each(['text', 'json'])('the log of serve, as %s: nothing that a terminal obeys', async (format) => {
  const {readFile} = await import('node:fs/promises')
  const yaml = await readFile(join(cwd, 'pgroute66.yml'), 'utf8')
  await writeFile(join(cwd, `${format}.yml`), `${yaml}logformat: ${format}\n`, {mode: 0o600})
  const daemon = start(['serve', '-c', `${format}.yml`], {cwd})
  await daemon.sees(/title/)
  daemon.child.kill('SIGTERM')
  await daemon.ended
  assert.match(daemon.output(), /u001b\]0;title/)
  assert.doesNotMatch(daemon.output(), unsafe)
})
