import {describe, expect, test} from 'vitest'
import {repmgrSql} from '../../src/config/libpq/role-sql.ts'
import {effective} from '../../src/config/printing/effective.ts'
import {problems, workplace} from './workplace.ts'

const three = 'hosts: {db_1: {host: a}, db-2: {host: b}, db3: {host: c}}\n'
const load = async (yaml: string) => {
  await using place = await workplace()
  return await place.load(three + yaml)
}

test('defaults: database, schema, and the name of the host for its node', async () => {
  const {groups, warnings} = await load('repmgr: {}\nconfirm: [repmgr]\non_silent: {hold: 5s}\nfailover_after: 9s\n')
  expect(groups[0]).toMatchObject({
    confirm: ['repmgr'],
    onSilent: {holdMs: 5_000},
    repmgr: {dbname: 'repmgr', schema: 'repmgr', nodes: {}},
  })
  expect(warnings).toEqual([])
})

test('without the key repmgr is not asked, and with it alone it is asked and not required', async () => {
  expect((await load('')).groups[0]?.repmgr).toBeNull()
  const {groups} = await load('repmgr: {dbname: meta, schema: rm, node: {db3: node_3}}\n')
  expect(groups[0]).toMatchObject({confirm: [], repmgr: {dbname: 'meta', schema: 'rm', nodes: {db3: 'node_3'}}})
})

test('what is shown loads again to the same, at the top and in a group', async () => {
  for (const yaml of [
    'repmgr: {node: {db3: n3}}\n',
    'groups: {one: {hosts: [db_1, db-2, db3], repmgr: {schema: s}}}\n',
  ]) {
    const config = await load(yaml)
    await using place = await workplace()
    const again = await place.load(JSON.stringify(effective(config)))
    expect(again.groups).toEqual(config.groups)
  }
})

describe('refused, each with its path, code and advice', () => {
  const two = 'groups: {one: [db_1, db-2], two: [db3]}\n'
  test.each([
    ['a confirmation without its key', 'confirm: [repmgr]', 'confirm', 'CONFIG_MISSING', 'repmgr: {dbname: repmgr}'],
    ['one key for several clusters', `${two}repmgr: {}`, 'repmgr', 'CONFIG_CONFLICT', 'cluster of its own'],
    [
      'two hosts that are one node',
      'repmgr: {node: {db_1: Node_1, db-2: node-1}}',
      'repmgr',
      'CONFIG_CONFLICT',
      'db_1 and db-2 one node, "node-1"',
    ],
    ['a node of an unknown host', 'repmgr: {node: {db4: n}}', 'repmgr.node.db4', 'CONFIG_UNKNOWN_HOST', 'db3'],
    ['a typing error', 'repmgr: {databse: x}', 'repmgr.databse', 'CONFIG_UNKNOWN_KEY', 'dbname'],
    [
      'a node of another group',
      'groups: {one: {hosts: [db_1, db-2], repmgr: {node: {db3: n}}}, two: [db3]}',
      'groups.one.repmgr.node.db3',
      'CONFIG_UNKNOWN_HOST',
      'host of the group',
    ],
  ])('%s', async (_, yaml, path, code, word) => {
    const found = await problems(load(yaml))
    const said = found.find((problem) => problem.path === path && problem.code === code)
    expect(found).toHaveLength(1)
    expect(`${said?.message} ${said?.next}`).toContain(word)
  })
})

test('fewer than three hosts in a location earn a warning where repmgr is required', async () => {
  const away = 'hosts: {a: {host: a}, b: {host: b}, c: {host: c, location: MM}}\nrepmgr: {}\n'
  await using place = await workplace()
  const {warnings} = await place.load(`${away}confirm: [repmgr]\n`)
  const said = warnings.map(({path, message}) => `${path} ${message}`)
  expect(said).toContainEqual('repmgr has 1 host in location mm: repmgr confirms with three or more')
  expect((await place.load(away)).warnings).toEqual([])
})

test('the SQL names the columns, never conninfo, and the witness', () => {
  const sql = repmgrSql('Odd "name"', {dbname: 'meta', schema: 'rm'})
  expect(sql).toContain('\\connect meta\n')
  expect(sql).toContain('GRANT SELECT (node_id, node_name, type, active, location) ON rm.nodes TO "Odd ""name""";')
  expect(sql).toContain('-- CREATE ROLE "Odd ""name""" LOGIN;')
  expect(sql).not.toMatch(/GRANT[^;]*conninfo/)
})
