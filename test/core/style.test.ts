import {globSync, readFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {expect, test} from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const isInstalled = (file: string) => file.includes('node_modules')
const code = globSync(['src/**/*.{ts,tsx}', 'test/**/*.{ts,tsx}'], {cwd: root}).filter((file) => !isInstalled(file))
const prose = globSync(
  ['README.md', 'oclif.manifest.json', 'src/**/*.{ts,tsx,md}', 'docs/**/*.md', 'packaging/**/*.*', 'packaging/deb/*'],
  {cwd: root},
)
const linesOf = (file: string) => readFileSync(join(root, file), 'utf8').split('\n')

/** The words hide who acts, or are rare: name the daemon, HAProxy, the client; write "fix". */
const banned = /\b(nobody|somebody|whoever|mend(s|ed|ing)?)\b/i
const longest = {line: 120, file: 300, command: 60, folder: 24}

const found = (files: readonly string[], isBad: (line: string) => boolean) =>
  files.flatMap((file) => linesOf(file).flatMap((line, index) => (isBad(line) ? [`${file}:${index + 1}`] : [])))

test('sentences name who acts: none has a banned word', () => {
  expect(prose.length).toBeGreaterThan(200)
  expect(found(prose, (line) => banned.test(line))).toEqual([])
})

test.each(['Nobody answers', 'tell somebody', 'whoever asks', 'mend it', 'it is mended', 'mending'])(
  'the guard of words fires: %s',
  (line) => expect(banned.test(line)).toBe(true),
)

test.each(['recommended', 'an amendment', 'any host'])('the guard of words lets pass: %s', (line) =>
  expect(banned.test(line)).toBe(false),
)

test(`no line of code is longer than ${longest.line} columns`, () => {
  expect(found(code, (line) => line.length > longest.line)).toEqual([])
})

test(`no file is longer than ${longest.file} lines, and no command than ${longest.command}`, () => {
  const limitOf = (file: string) => (file.startsWith('src/commands/') ? longest.command : longest.file)
  expect(code.filter((file) => linesOf(file).length - 1 > limitOf(file))).toEqual([])
})

test(`no folder of src shows more than ${longest.folder} files side by side`, () => {
  const files = globSync('src/**/*.*', {cwd: root})
  const counts = Map.groupBy(files, (file) => dirname(file))
  expect(
    [...counts].flatMap(([folder, {length}]) => (length > longest.folder ? [`${folder}: ${length}`] : [])),
  ).toEqual([])
})
