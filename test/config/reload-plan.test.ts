import {expect, test} from 'vitest'
import {planReload} from '../../src/app/serve/reload-plan.ts'
import type {Config} from '../../src/config/config.ts'
import {workplace} from './workplace.ts'

const changes = (before: Config, after: Config) =>
  planReload(before, after, new Map()).changes.map(({path, secret}) => (secret ? `${path} (hidden)` : path))

test('a secret that changes is named, also beside another key of the same host; nothing else is', async () => {
  await using place = await workplace()
  const file = (port: number, password: string, url: string) => `
hosts:
  h1: {host: a, port: ${port}, password: ${password}}
  h2: {host: b, password: aHVudGVyMg==}
groups: {orders: {hosts: [h1]}, bills: {hosts: [h2]}}
hooks: [{post: "https://pager/${url}"}]
`
  const before = await place.load(file(5432, 'aHVudGVyMg==', 'one'))
  expect(changes(before, await place.load(file(5432, 'aHVudGVyMg==', 'one')))).toEqual([])
  expect(changes(before, await place.load(file(5433, 'aHVudGVyMw==', 'one')))).toEqual([
    'hosts.h1.port',
    'hosts.h1.password (hidden)',
  ])
  expect(changes(before, await place.load(file(5432, 'aHVudGVyMg==', 'two')))).toEqual(['hooks[0].post (hidden)'])
})

test('what stands in no file is no change of a key', async () => {
  await using place = await workplace()
  const config = await place.load('hosts: {h1: {host: a}}')
  const learned = {...config, learned: {place: 'elsewhere'}} as unknown as Config
  expect(changes(config, learned)).toEqual([])
})
