import {spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {type Command, Parser} from '@oclif/core'
import {describe, expect, onTestFinished, test} from 'vitest'
import {withTables} from '../../packaging/tables.ts'
import type {EventStream} from '../../src/api/event-stream.ts'
import {allRoutes} from '../../src/api/routes.ts'
import {rewriteArgv} from '../../src/app/main/invoked-as.ts'
import {loadConfig} from '../../src/config/load.ts'
import {ConfigError} from '../../src/config/reading/problem.ts'
import {situations} from '../../src/core/verdict/situation.ts'
import {causes} from '../../src/core/vocabulary.ts'
import {makeCertificates} from '../support/certificates.ts'
import {anchors, commandsOf, fences, withoutFences} from '../support/markdown.ts'
import {lacks} from '../support/parts.ts'
import {runJs, watched} from '../support/run.ts'
import {site} from '../support/site.ts'

const root = join(import.meta.dirname, '..', '..')
const names = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
const pages = names.map((name) => ({name, text: readFileSync(join(root, name), 'utf8')}))
const all = pages.flatMap(({name, text}) => fences(text).map((fence) => ({...fence, at: `${name}:${fence.line}`})))
const scripts = all.filter(({language}) => language === 'sh')

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pgroute66-docs-'))
  onTestFinished(() => rmSync(path, {recursive: true, force: true}))
  return path
}

describe('commands', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, unknown>
  }
  // The longest first: a command may have another one below it.
  const ids = Object.keys(manifest.commands).sort((one, other) => other.length - one.length)

  /**
   * oclif's own parser, with the flags of the command, refuses unknown flags, missing arguments and
   * values that are not allowed.
   */
  async function parse(words: readonly string[]): Promise<void> {
    const argv = rewriteArgv(words)
    const id = ids.find((one) => argv.slice(0, one.split(':').length).join(':') === one)
    if (id === undefined && argv.length === 1 && /^--(version|help)$/.test(argv[0] ?? '')) return
    if (id === undefined) throw new Error(`there is no command "${argv.join(' ')}"`)
    const {default: command} = (await import(join(root, 'src', 'commands', `${id.replace(':', '/')}.ts`))) as {
      default: Command.Class
    }
    const {flags, args, strict} = command
    await Parser.parse(argv.slice(id.split(':').length), {flags, args, strict})
  }

  const written = [
    ...scripts.flatMap(({text, at}) => commandsOf(text).map((words) => ({at, words: fromProgram(words)}))),
    // Commands in running text. A form such as `check [HOST]` is not a command.
    ...pages.flatMap(({name, text}) =>
      [...withoutFences(text).matchAll(/`(pgroute66 [^`[|…]*)`/g)].map(([, line = '']) => ({
        at: name,
        words: commandsOf(line)[0] ?? [],
      })),
    ),
  ].filter(({words}) => words.length > 0)

  test('every command in the pages exists, with its flags and arguments', async () => {
    const refused: string[] = []
    for (const {at, words} of written)
      await parse(words).catch((error: Error) => refused.push(`${at}: ${words.join(' ')}: ${error.message}`))
    expect(refused).toEqual([])
    const named = new Set(written.map(({words}) => ids.find((id) => rewriteArgv(words).join(':').startsWith(id))))
    expect(ids.filter((id) => !named.has(id))).toEqual([])
    await expect(parse(['pgroute66', 'check', '--rolle', 'any'])).rejects.toThrow('--rolle')
    await expect(parse(['pgroute66', 'accept'])).rejects.toThrow('host')
  })

  test('every script without "not-run" works, on three real servers with a daemon, in page order', async () => {
    const {cwd} = await site((place) => `socket: ${join(place, 'pgroute66.sock')}\ncheck: {timeout: 60s}`)
    for (const name of ['pgroute66', 'pgroute66-check-primary']) symlinkSync(runJs, join(cwd, name))
    const env = {HOME: cwd, USER: 'anna', PATH: `${cwd}:${dirname(process.execPath)}:/usr/sbin:/usr/bin:/bin`}
    const play = async (text: string) => {
      const child = spawn('/bin/bash', ['-euo', 'pipefail', '-c', text], {cwd, env, stdio: ['ignore', 'pipe', 'pipe']})
      return watched(child, 180_000).ended
    }
    const failed: object[] = []
    for (const {at, marks, text} of scripts) {
      if (marks.includes('not-run')) continue
      let {code, stdout, stderr} = await play(text)
      // A check gives up after two seconds, which a busy machine can reach. The limit is not the subject.
      for (let again = 0; code === 3 && again < 5; again += 1) ({code, stdout, stderr} = await play(text))
      if (code !== 0) failed.push({at, code, stdout, stderr})
    }
    expect(failed).toEqual([])
  })
})

/** The words from the program's name on: `sudo pgroute66 …`, `env -i A=b pgroute66-check-primary …`. */
function fromProgram(words: readonly string[]): readonly string[] {
  const index = words.findIndex((word) => /^pgroute66(-check-(primary|standby))?$/.test(word))
  const isProgram = index === 0 || (index > 0 && /^(sudo|env|npx)$/.test(words[0] ?? ''))
  return isProgram ? words.slice(index) : []
}

describe('configurations', () => {
  const yaml = all.filter(({language, marks}) => language === 'yaml' && marks.length === 0)
  const smallest = yaml.find(({at}) => at.startsWith('README.md:'))?.text ?? ''

  test.each(yaml.map((block) => [block.at, block.text]))(
    '%s loads, alone or added to the smallest configuration',
    async (_, text) => {
      const place = folder()
      makeCertificates(place)
      const whole = /^hosts:/m.test(text) ? text : smallest + text
      const path = join(place, 'pgroute66.yml')
      writeFileSync(path, whole.replaceAll('/etc/pgroute66/', `${place}/`), {mode: 0o600})
      writeFileSync(join(place, 'pgbouncer.password'), 'secret\n', {mode: 0o600})
      const {hosts} = await loadConfig({path, dsns: [], env: {}, cwd: place})
      expect(hosts.length).toBeGreaterThan(1)
    },
  )

  test('a configuration that asks Patroni for its hosts learns them', async () => {
    const [asking, ...others] = all.filter(({marks}) => marks.includes('asks-patroni'))
    expect(others).toEqual([])
    const members = ['node1', 'node2'].map((name, index) => ({name, host: `10.0.0.${index + 1}`, port: 5432}))
    const patroni = createServer((_, response) => response.end(JSON.stringify({scope: 'main', members})))
    onTestFinished(() => void patroni.close())
    await once(patroni.listen(0, '127.0.0.1'), 'listening')
    const path = join(folder(), 'pgroute66.yml')
    const url = `http://127.0.0.1:${(patroni.address() as AddressInfo).port}`
    writeFileSync(path, (asking?.text ?? '').replace('http://localhost:8008', url), {mode: 0o600})
    const {hosts} = await loadConfig({path, dsns: [], env: {}, cwd: dirname(path)})
    expect(hosts.map(({name}) => name)).toEqual(['node1', 'node2'])
  })

  test('the keys that migrating.md calls not there yet are refused, and no other key is', async () => {
    const page = pages.find(({name}) => name.endsWith('migrating.md'))?.text ?? ''
    const keys = [...(/^The keys (.*?) are known and refused/ms.exec(page)?.[1] ?? '').matchAll(/`(\w+)`/g)].map(
      ([, key]) => key,
    )
    const path = join(folder(), 'pgroute66.yml')
    writeFileSync(path, `${smallest}\n${keys.map((key) => `${key}: {a: b}`).join('\n')}\n`, {
      mode: 0o600,
    })
    const error = await loadConfig({path, dsns: [], env: {}, cwd: root}).then(
      () => null,
      (found) => found,
    )
    const refused =
      error instanceof ConfigError ? error.problems.filter(({code}) => code === 'CONFIG_NOT_SUPPORTED') : []
    expect(refused.map((problem) => problem.path).sort()).toEqual([...keys].sort())
  })

  test.skipIf(lacks('promtool'))('promtool accepts the configuration for Prometheus', () => {
    const place = folder()
    for (const {text} of all.filter(({marks}) => marks.includes('prometheus'))) {
      const path = join(place, 'prometheus.yml')
      writeFileSync(path, text.replace(/\/etc\S+alerts\.yml/, join(root, 'packaging/prometheus/alerts.yml')))
      const {status, stdout, stderr} = spawnSync('promtool', ['check', 'config', path], {encoding: 'utf8'})
      expect(status, `${stdout}${stderr}`).toBe(0)
    }
  })
})

test('every link leads to a file and a heading, and README links every page', () => {
  const broken = pages.flatMap(({name, text}) =>
    [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^https?:/.test(link)) return []
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? join(root, name) : join(root, dirname(name), path)
      const isThere = existsSync(file) && (anchor === undefined || anchors(readFileSync(file, 'utf8')).includes(anchor))
      return isThere ? [] : [`${name}: ${link}`]
    }),
  )
  expect(broken).toEqual([])
  const readme = pages.find(({name}) => name === 'README.md')?.text ?? ''
  expect(names.filter((name) => name !== 'README.md' && !readme.includes(`(${name})`))).toEqual([])
})

test('every path of the API in the pages exists', () => {
  const routes = allRoutes({all: {} as EventStream, own: null}, '0.1.0').map(({path, parameters}) => {
    const values = (name: string) =>
      parameters.find((parameter) => parameter.name === name)?.values?.join('|') ?? '[^/]+'
    return new RegExp(`^${path.replaceAll(/:(\w+)/g, (_, name) => `(${values(name)})`)}$`)
  })
  // Of the guard's own socket.
  routes.push(/^\/v1\/guard$/)
  const named = pages.flatMap(
    ({text}) => text.match(/(?<=[`\s]|:\d{4})\/(v1|haproxy|livez|readyz|metrics|openapi)[^\s`?'")|]*/g) ?? [],
  )
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter((path) => !routes.some((route) => route.test(path)))).toEqual([])
})

describe('tables that the generator writes', () => {
  test('the tables of every page are up to date', () => {
    const spec = {name: 'src/core/SPEC.md', text: readFileSync(join(root, 'src/core/SPEC.md'), 'utf8')}
    const outdated = [...pages, spec].filter(({text}) => withTables(text) !== text).map(({name}) => name)
    expect(outdated).toEqual([])
    const named = [...pages, spec].flatMap(({text}) =>
      [...text.matchAll(/<!-- generated: (.*) -->/g)].map(([, name]) => name),
    )
    expect(new Set(named)).toEqual(
      new Set([
        'configuration keys',
        'rules',
        'situations',
        'causes',
        'exit codes',
        'rejoin exit codes',
        'error codes',
      ]),
    )
  })

  test.each([
    '<!-- generated: rulez -->\n<!-- end of rulez -->\n',
    '<!-- generated: rules -->\n',
    '<!-- generated: rules -->\n<!-- generated: causes -->\n<!-- end of causes -->\n<!-- end of rules -->\n',
  ])('a marker that names no table or has no end is an error: %j', (page) => {
    expect(() => withTables(page)).toThrow('names no table, or has no end')
  })
})

test('the runbook knows every verdict and every cause', () => {
  const runbook = pages.find(({name}) => name.endsWith('runbook.md'))?.text ?? ''
  expect(causes.filter((cause) => !new RegExp(`^\\| .*\`${cause}\``, 'm').test(runbook))).toEqual([])
  for (const rule of ['V0', 'V1', 'V2', 'V3', 'V5']) expect(runbook).toMatch(new RegExp(`^## .*\\b${rule}\\b`, 'm'))
})

test('every situation has a section of the runbook with its name, and only situations have such a name', () => {
  const runbook = pages.find(({name}) => name.endsWith('runbook.md'))?.text ?? ''
  const headings = [...withoutFences(runbook).matchAll(/^### ([a-z][a-z-]*)$/gm)].map(([, heading]) => heading)
  expect(headings.sort()).toEqual([...situations].sort())
})

test('the runbook quotes what the program says', () => {
  const runbook = pages.find(({name}) => name.endsWith('runbook.md'))?.text ?? ''
  const sources = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
  const rows = [...runbook.matchAll(/^\| it says \|.*\n\|.*\n((?:\|.*\n)+)/gm)].flatMap(([, table = '']) =>
    table.trim().split('\n'),
  )
  const quoted = rows.flatMap((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, words = '']) => words),
  )
  const pieces = quoted.flatMap((words) => words.split('…').map((piece) => piece.trim()))
  expect(rows.length).toBeGreaterThan(15)
  expect(pieces.filter((piece) => !sources.some((text) => text.includes(piece)))).toEqual([])
})
