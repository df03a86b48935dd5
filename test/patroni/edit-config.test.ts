import {spawn} from 'node:child_process'
import {chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {applied, patchBetween} from '../../src/app/patroni/config-change.ts'
import {lineDiff} from '../../src/app/patroni/line-diff.ts'
import {lacks} from '../support/parts.ts'
import {json, rawServer} from '../support/raw-server.ts'
import {run} from '../support/run.ts'

describe('the patch between two configurations', () => {
  test.each([
    ['nothing', {ttl: 30, a: {b: [1]}}, {a: {b: [1]}, ttl: 30}, {}],
    ['a value', {ttl: 30}, {ttl: 20}, {ttl: 20}],
    ['a new key', {}, {a: {b: 1}}, {a: {b: 1}}],
    ['a key that is gone', {ttl: 30, pause: true}, {ttl: 30}, {pause: null}],
    ['keys within', {p: {a: 1, b: 2, c: 3}}, {p: {a: 1, b: 5}}, {p: {b: 5, c: null}}],
    ['a list', {l: [1, 2]}, {l: [1]}, {l: [1]}],
    ['an object in place of a value', {a: 1}, {a: {b: 1}}, {a: {b: 1}}],
    ['a value in place of an object', {a: {b: 1}}, {a: 1}, {a: 1}],
  ])('%s', (_, before, after, patch) => {
    expect(patchBetween(before, after)).toEqual(patch)
    expect(applied(before, patch)).toEqual(after)
  })
})

describe('the difference of two texts', () => {
  const text = (...lines: readonly string[]) => lines.join('\n')
  test.each([
    ['none', text('a', 'b'), text('a', 'b'), ''],
    ['one line', text('a', 'b', 'c'), text('a', 'x', 'c'), text(' a', '-b', '+x', ' c')],
    ['a line less at the end', text('a', 'b'), 'a', text(' a', '-b')],
    [
      'lines around it alone',
      text('1', '2', '3', '4', '5', 'b'),
      text('1', '2', '3', '4', '5', 'x'),
      text(' 3', ' 4', ' 5', '-b', '+x'),
    ],
    [
      'two places',
      text('a', '1', '2', '3', '4', '5', '6', '7', '8', 'b'),
      text('x', '1', '2', '3', '4', '5', '6', '7', '8', 'y'),
      text('-a', '+x', ' 1', ' 2', ' 3', '@@', ' 6', ' 7', ' 8', '-b', '+y'),
    ],
    ['a line that moved', text('a', 'b', 'c'), text('b', 'c', 'a'), text('-a', ' b', ' c', '+a')],
  ])('%s', (_, before, after, shown) => expect(lineDiff(before, after)).toBe(shown))

  test('of very long texts needs no large table', () => {
    const many = (word: string) => Array.from({length: 5_000}, (_, index) => `${word}${index}`).join('\n')
    expect(lineDiff(many('a'), many('b')).split('\n')).toHaveLength(10_000)
  })
})

const status = {state: 'running', role: 'primary', patroni: {version: '4.1.4', scope: 'pg', name: 'node1'}}

/** A member whose configuration can be patched. */
async function member(config: Record<string, unknown>) {
  let kept = config
  const server = await rawServer(({method, path, body}) => {
    if (path !== '/config') return json(path === '/cluster' ? {members: []} : status)
    if (method === 'PATCH') kept = applied(kept, JSON.parse(body))
    return json(kept)
  })
  return {
    url: server.url,
    patches: () => server.requests.filter(({method}) => method === 'PATCH').map(({body}) => JSON.parse(body)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** A shell script that gets the path of the file as $1. */
function editor(script: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'pgroute66-editor-')), 'editor')
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

const terminal = `
import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
`

/** The command in a terminal: what it printed there, and its exit code. */
function inTerminal(url: string, answer: string, env: NodeJS.ProcessEnv): Promise<Shown> {
  return typed(['bin/run.js', 'patroni', 'edit-config', '--url', url], {'[y/N]': `${answer}\n`}, env)
}

type Shown = Readonly<{code: number; shown: string}>

/** Node.js in a terminal. `keys`: what is typed once a text is seen. */
function typed(args: readonly string[], keys: Record<string, string>, env: NodeJS.ProcessEnv = {}): Promise<Shown> {
  const child = spawn('/usr/bin/python3', ['-c', terminal, process.execPath, ...args], {
    cwd: new URL('../..', import.meta.url).pathname,
    env: {...process.env, ...env},
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let shown = ''
  child.stdout.on('data', (chunk) => {
    const before = shown
    shown += chunk
    for (const [seen, key] of Object.entries(keys))
      if (shown.includes(seen) && !before.includes(seen)) child.stdin.write(key)
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({code: code ?? -1, shown})))
}

describe.skipIf(lacks('python3'))('edit-config in a terminal', () => {
  const config = {ttl: 30, loop_wait: 10, postgresql: {parameters: {work_mem: '4MB'}}}
  const edits = {EDITOR: editor('sed -i -e s/30/20/ -e \'/work_mem/d\' "$1"')}

  test('opens the editor, shows the difference, asks, sends what differs, and reads it back', async () => {
    await using patroni = await member(config)
    const {code, shown} = await inTerminal(patroni.url, 'y', edits)
    expect([code, shown]).toEqual([0, expect.stringMatching(/-ttl: 30\r\n\+ttl: 20\r\n loop_wait: 10/)])
    expect(shown).toMatch(/- {4}work_mem: 4MB[\s\S]*Apply these changes\? \[y\/N\]:[\s\S]*Read: it is as written/)
    expect(patroni.patches()).toEqual([{ttl: 20, postgresql: {parameters: null}}])
  })

  test('nothing is sent where the answer is no, and the text is kept', async () => {
    await using patroni = await member(config)
    const {code, shown} = await inTerminal(patroni.url, 'n', edits)
    const [, path = ''] = /Your text is in (\S+)\./.exec(shown) ?? []
    expect([code, patroni.patches()]).toEqual([2, []])
    expect(readFileSync(path, 'utf8')).toContain('ttl: 20')
  })

  test('an unchanged text is no change; the file is gone', async () => {
    await using patroni = await member(config)
    const place = mkdtempSync(join(tmpdir(), 'pgroute66-edited-'))
    const {code, shown} = await inTerminal(patroni.url, '', {EDITOR: editor(`echo "$1" > ${place}/path`)})
    expect([code, shown]).toEqual([0, expect.stringContaining('Nothing to change')])
    const path = readFileSync(join(place, 'path'), 'utf8').trim()
    expect([path, existsSync(path)]).toEqual([expect.stringContaining('config.yml'), false])
  })

  test('a text that is no YAML, or empty, is kept, and the error names it', async () => {
    await using patroni = await member(config)
    const broken = await inTerminal(patroni.url, '', {EDITOR: editor('echo "a: [" > "$1"')})
    expect([broken.code, broken.shown]).toEqual([2, expect.stringMatching(/config\.yml is no YAML/)])
    expect(broken.shown).toMatch(/give it to\s+--replace/)
    const empty = await inTerminal(patroni.url, '', {EDITOR: editor(': > "$1"')})
    expect([empty.code, empty.shown]).toEqual([2, expect.stringMatching(/config\.yml holds no object/)])
    expect(patroni.patches()).toEqual([])
  })

  test('what was changed elsewhere meanwhile is not overwritten', async () => {
    await using patroni = await member(config)
    const slow = editor(`sed -i s/30/20/ "$1"; curl -s -X PATCH -d '{"loop_wait": 5}' ${patroni.url}/config`)
    const {code, shown} = await inTerminal(patroni.url, 'y', {EDITOR: slow})
    expect([code, shown]).toEqual([2, expect.stringMatching(/was changed elsewhere/)])
    expect(shown).not.toContain('--replace')
    expect(patroni.patches()).toEqual([{loop_wait: 5}])
  })

  test('Ctrl-C and Ctrl-\\ in the editor are the keys of the editor', async () => {
    await using patroni = await member(config)
    const wait = (signal: string) =>
      `trap 'told=1' ${signal}; echo for-${signal}; until [ "$told" ]; do sleep 0.1; done`
    const EDITOR = editor(`${wait('INT')}; told=; ${wait('QUIT')}; sed -i s/30/20/ "$1"`)
    const keys = {'for-INT': '\x03', 'for-QUIT': '\x1c', '[y/N]': 'y\n'}
    const {code, shown} = await typed(['bin/run.js', 'patroni', 'edit-config', '--url', patroni.url], keys, {EDITOR})
    expect([code, shown]).toEqual([0, expect.stringContaining('Read: it is as written')])
    expect(patroni.patches()).toEqual([{ttl: 20}])
  })

  test('a question shows no control characters of a server', async () => {
    const script = `import {confirm} from './src/app/cli/confirm.ts'; await confirm('Restart a\\u001b[2Kb?', false)`
    const {code, shown} = await typed(['--input-type=module', '-e', script], {'[y/N]': 'y\n'})
    expect([code, shown]).toEqual([0, expect.stringContaining('Restart a\\u001b[2Kb? [y/N]')])
  })

  test('an editor that fails, and none at all', async () => {
    await using patroni = await member(config)
    const failed = await inTerminal(patroni.url, '', {EDITOR: 'false --wait'})
    expect([failed.code, failed.shown]).toEqual([
      2,
      expect.stringMatching(/false --wait ended with 1: nothing was done/),
    ])
    const none = await inTerminal(patroni.url, '', {EDITOR: '', PATH: '/none'})
    expect([none.code, none.shown]).toEqual([2, expect.stringMatching(/neither editor nor vi is in PATH/)])
  })
})

test('without a terminal, the error names the flags', async () => {
  await using patroni = await member({ttl: 30})
  const {code, stderr} = await run(['patroni', 'edit-config', '--url', patroni.url])
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/not a terminal.*\n?.*--print, --set KEY=VALUE, --apply FILE/s),
  ])
  const printed = await run(['patroni', 'edit-config', '--print', '--url', patroni.url])
  expect([printed.code, printed.stdout]).toEqual([0, 'ttl: 30\n'])
})
