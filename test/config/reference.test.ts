import {readFileSync} from 'node:fs'
import {Ajv2020} from 'ajv/dist/2020.js'
import {FAILSAFE_SCHEMA, load} from 'js-yaml'
import {expect, test} from 'vitest'
import {configKeys} from '../../packaging/config-keys.ts'
import {fileShape} from '../../src/config/file-shape.ts'
import {configSchema} from '../../src/config/printing/json-schema.ts'
import {starter} from '../../src/config/printing/starter.ts'
import {workplace} from './workplace.ts'

const repository = new URL('../../', import.meta.url)

test('every key has a meaning, and a line in the page and in the manual', () => {
  const keys = configKeys()
  expect(keys.length).toBeGreaterThan(150)
  expect(keys.filter(({meaning}) => meaning === '')).toEqual([])
  const page = readFileSync(new URL('docs/configuration.md', repository), 'utf8')
  const manual = readFileSync(new URL('packaging/manual/pgroute66.yaml.5', repository), 'utf8')
  for (const {path} of keys) {
    expect(page).toContain(`| \`${path}\` |`)
    expect(manual).toContain(`.It Ic ${path}\n`)
  }
  expect(keys.map(({path}) => path)).toEqual(
    expect.arrayContaining([
      ...['on_silent', 'on_split_brain', 'probe.knock_interval', 'hosts.NAME.require_auth', 'profile'],
      ...['cluster.etcd.endpoints', 'guard.neighbours', 'rejoin.pgdata', 'grpc.tls.key_file', 'pgaf.monitor'],
      ...['local_api.patroni.port', 'local_api.primgr.port', 'patroni.scope', 'repmgr.dbname', 'peers[].url'],
    ]),
  )
})

test('the starter has every key at the top, and each line that it only suggests loads', async () => {
  await using place = await workplace()
  const text = starter(null)
  // Two are for files of other programs: a synonym, and a key without effect.
  for (const key of Object.keys(fileShape.absent))
    if (!['host_groups', 'verbosity'].includes(key)) expect(text).toMatch(new RegExp(`^(# )?${key}:`, 'm'))
  const suggested = text.split('\n').flatMap((line) => /^# ([a-z_0-9]+: .+)$/.exec(line)?.[1] ?? [])
  expect(suggested.length).toBeGreaterThan(25)
  const base = 'hosts: {host1: {host: a}, host2: {host: b}, host3: {host: c}}\n'
  for (const line of suggested) {
    const [key = ''] = line.split(':')
    const beside = key === 'on_split_brain' ? 'confirm: [followers]\n' : ''
    // Its files are not on this machine, and its group has several hosts.
    if (['ssl', 'witness', 'local_api', 'guard'].includes(key)) continue
    await place.load(`${base}${beside}${line}\n`)
    expect(Object.keys(load(line, {schema: FAILSAFE_SCHEMA}) as object)).toEqual([key])
  }
})

test('the schema names itself, and tells words, defaults and patterns', () => {
  expect(configSchema.$id).toBe('urn:pgroute66:configuration')
  const {properties} = configSchema as {properties: Record<string, {properties: Record<string, object>}>}
  expect(properties.bind).toMatchObject({default: '127.0.0.1'})
  expect(properties.v1_format).toMatchObject({enum: ['documented', 'released'], default: 'documented'})
  expect(properties.probe?.properties.interval).toMatchObject({pattern: expect.any(String), default: '1s'})
})

test('an editor refuses what the reader refuses: names, and hooks with both or none of run and post', () => {
  const validate = new Ajv2020({strict: false, validateFormats: false}).compile(configSchema)
  const hosts = {h1: {host: 'a'}}
  const hook = {run: ['/bin/true']}
  const rows: readonly [object, boolean][] = [
    [{hosts}, true],
    [{hosts: {all: {host: 'a'}}}, false],
    [{hosts: {constructor: {host: 'a'}}}, false],
    [{hosts: {'..': {host: 'a'}}}, false],
    [{hosts: {'a b': {host: 'a'}}}, false],
    [{hosts, groups: {node: ['h1']}}, true],
    [{hosts, groups: {all: ['h1']}}, false],
    [{hosts, hooks: [hook, {post: 'https://h/x'}]}, true],
    [{hosts, hooks: [{...hook, post: 'https://h/x'}]}, false],
    [{hosts, hooks: [{timeout: '5s'}]}, false],
    [{hosts, profile: 'slow'}, false],
    [{hosts, probe: {timeout: '5'}}, false],
    [{hosts, bnid: '::1'}, false],
  ]
  for (const [document, isValid] of rows) expect([document, validate(document)]).toEqual([document, isValid])
})
