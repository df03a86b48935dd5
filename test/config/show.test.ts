import {dump, FAILSAFE_SCHEMA, load} from 'js-yaml'
import {expect, test} from 'vitest'
import {roleSql} from '../../src/config/libpq/role-sql.ts'
import {effective} from '../../src/config/printing/effective.ts'
import {configSchema} from '../../src/config/printing/json-schema.ts'
import {starter} from '../../src/config/printing/starter.ts'
import {mask} from '../../src/config/sections/document.ts'
import {workplace} from './workplace.ts'

const rich = `
hosts:
  h1: {host: a, password: aHVudGVyMg==, aliases: [10.1.0.1]}
  h2: {host: b, password_file: /run/secrets/pg}
  h3: {host: c, delayed: read}
groups: {orders: {hosts: [h1, h2, h3], confirm: [followers]}}
availability: true
socket: /run/pgroute66/pgroute66.sock
haproxy: {backends: {w: primary}}
`

test('what is shown is what is used: it loads again to the same, but for the masked secrets', async () => {
  await using place = await workplace()
  const config = await place.load(rich)
  const shown = dump(effective(config))
  expect(shown).not.toMatch(/hunter2|aHVudGVyMg/)
  expect(shown).toContain(mask)
  expect(shown).toContain('delayed: read')
  const again = await place.load(shown.replace(mask, 'aHVudGVyMg=='))
  expect(effective(again)).toEqual(effective(config))
})

test('without groups, what holds for all is shown at the top', async () => {
  await using place = await workplace()
  const config = await place.load('hosts: {h1: {host: a}}\nread_fallback: any')
  expect(effective(config)).toMatchObject({read_fallback: 'any', confirm: []})
  expect(effective(config)).not.toHaveProperty('groups')
})

test('a password of the environment or of a string is not shown either', async () => {
  await using place = await workplace()
  expect(JSON.stringify(effective(await place.dsn('postgres://u:hunter2@h1', {})))).not.toContain('hunter2')
  expect(JSON.stringify(effective(await place.dsn('host=h1', {PGPASSWORD: 'hunter2'})))).not.toContain('hunter2')
})

test('the JSON Schema knows every key that is shown', async () => {
  await using place = await workplace()
  const {properties} = configSchema as {properties: Record<string, {properties?: object}>}
  const shown = effective(await place.load(rich))
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(shown)))
  expect(Object.keys(properties.probe?.properties ?? {})).toEqual(Object.keys(shown.probe as object))
  expect(configSchema.$schema).toContain('2020-12')
})

test('the starter loads: the example, and one from strings, without their password', async () => {
  await using place = await workplace()
  expect((await place.load(starter(null))).groups).toMatchObject([
    {hosts: ['host1', 'host2', 'host3'], confirm: ['followers']},
  ])
  const given = await place.dsn(
    "host=h1,h2,/var/run/postgresql user='o\\'brien #1' password=hunter2 dbname='a: b' options='-c x=\"y\"' " +
      'sslmode=verify-ca',
  )
  const text = starter(given)
  expect(text).not.toContain('hunter2')
  const again = await place.load(text)
  for (const [index, host] of given.hosts.entries()) {
    const {password: _, ...connection} = host.connection
    expect(again.hosts[index]).toMatchObject({name: host.name, connection})
  }
})

test('keys that the starter only suggests load as well', async () => {
  await using place = await workplace()
  const [before = ''] = starter(null).split('# What else there is')
  const suggested = before.replace(/^# (?=[a-z_]+: |groups:| {2}orders)/gm, '').replace(/^ssl: .*\n/m, '')
  const config = await place.load(suggested)
  expect(config).toMatchObject({
    groups: [{name: 'orders'}],
    stateDir: '/var/lib/pgroute66',
    haproxy: {backends: {pg_write: 'primary'}},
  })
  expect(Object.keys(load(suggested, {schema: FAILSAFE_SCHEMA}) as object)).toContain('socket')
})

test('the SQL of the role quotes names, and explains itself', () => {
  const sql = roleSql('Odd "name"', 'postgres', 'public.pgr66_avc')
  expect(sql).toContain('CREATE ROLE "Odd ""name""" LOGIN;')
  expect(sql).toContain('GRANT pg_read_all_stats TO "Odd ""name""";')
  expect(sql).toMatch(/Not pg_monitor: .*\n.*primary_conninfo/)
  expect(sql).toContain('GRANT USAGE, CREATE ON SCHEMA public')
  expect(roleSql('u', 'd', null)).not.toContain('SCHEMA')
})
