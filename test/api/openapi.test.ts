import {execFileSync, spawnSync} from 'node:child_process'
import {mkdirSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from 'vitest'
import {lacksTools, openapiTools} from '../support/parts.ts'
import type {SnapshotDraft} from '../support/snapshots.ts'
import {drained, primary, standby, unasked, unavailable, unconfirmed} from '../support/snapshots.ts'
import {fuzz} from './openapi-fuzz.ts'
import {folder, started} from './started.ts'

const rules = fileURLToPath(new URL('../tools/openapi/redocly.yaml', import.meta.url))
const {folder: tools} = openapiTools

const draft: SnapshotDraft = {hosts: {host1: primary(), host2: standby(), host4: unavailable()}}

describe('answers to requests made from the document are all documented', () => {
  const worlds: readonly (readonly [name: string, draft: SnapshotDraft])[] = [
    ['healthy', draft],
    ['split brain', {hosts: {host1: primary(), host2: primary(), host4: standby('host1', {drained})}}],
    ['starting', {hosts: {host1: unasked(), host2: standby()}}],
    ['unconfirmed', {hosts: {host1: primary(), host2: standby()}, verdict: unconfirmed('host1')}],
    ['two groups', {hosts: {host1: primary(), host2: standby()}, groups: {a: ['host1'], all: ['host2']}}],
  ]
  for (const [index, [name, world]] of worlds.entries())
    for (const v1Format of ['documented', 'released'] as const)
      test(`${name}, ${v1Format}`, async () => {
        const {asked, undocumented} = await fuzz({draft: world, seed: 66 + index, requests: 40, config: {v1Format}})
        expect(undocumented).toEqual([])
        expect(asked).toBe(40)
      })
})

test('a field, a status or a media type that the document lacks is found', async () => {
  const forgotten = (change: (document: string) => string) =>
    fuzz({draft, seed: 1, requests: 200, config: {}, change: (text) => change(text)})
  const field = await forgotten((text) => text.replaceAll('"age_ms"', '"age"'))
  expect(field.undocumented.join('\n')).toContain('must NOT have additional properties')
  const status = await forgotten((text) => text.replaceAll('"503":', '"599":').replaceAll('"5XX":', '"1XX":'))
  expect(status.undocumented.join('\n')).toContain('status 503 is not documented')
  const media = await forgotten((text) => text.replaceAll('application/problem+json', 'application/json'))
  expect(media.undocumented.join('\n')).toMatch(/status 4\d\d with application\/problem\+json is not documented/)
})

describe.skipIf(lacksTools(openapiTools))('tools that read the document', () => {
  test("redocly's recommended rules have nothing against it", async () => {
    await using written = await document()
    const {status, stdout, stderr} = spawnSync(
      process.execPath,
      [`${tools}node_modules/.bin/redocly`, 'lint', '--config', rules, written.path],
      {encoding: 'utf8', env: {...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true'}},
    )
    expect(stdout + stderr).not.toMatch(/warning/i)
    expect(status, stdout + stderr).toBe(0)
  })

  test('a generated TypeScript client type-checks, and knows the bodies', async () => {
    await using written = await document()
    execFileSync(process.execPath, [
      `${tools}node_modules/.bin/openapi-typescript`,
      written.path,
      '--output',
      written.at('pgroute66.d.ts'),
    ])
    writeFileSync(written.at('client.mts'), client)
    const options = ['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022']
    const libraries = ['--lib', 'es2022,dom', '--types', 'null']
    const {stdout, stderr} = spawnSync(
      process.execPath,
      [`${tools}node_modules/.bin/tsc`, ...options, ...libraries, written.at('client.mts')],
      {encoding: 'utf8'},
    )
    expect(stdout + stderr).toBe('')
  })
})

/** A client of "any" would pass the first line; the second one makes sure that the types are known. */
const client = `import createClient from 'openapi-fetch'
import type {paths} from './pgroute66.d.ts'

const client = createClient<paths>({baseUrl: 'http://127.0.0.1:8080'})
const {data, error} = await client.GET('/v1/snapshot')
const host: string | null | undefined = data?.groups.all?.verdict.routed_to
// @ts-expect-error
const number: number | undefined = data?.groups.all?.verdict.why
const code: string | undefined = error?.code
await client.POST('/v1/hosts/{host}/drain', {params: {path: {host: 'host1'}}, body: {reason: 'new disk'}})
export {host, number, code}
`

/** The document in a folder where the tools are found as packages. */
async function document() {
  await using api = await started(draft)
  const {body} = await api.ask('/openapi.json')
  mkdirSync(`${tools}.tmp`, {recursive: true})
  const place = folder(`${tools}.tmp/`)
  writeFileSync(place.at('openapi.json'), body)
  return {
    path: place.at('openapi.json'),
    at: place.at,
    async [Symbol.asyncDispose]() {
      place[Symbol.dispose]()
    },
  }
}
