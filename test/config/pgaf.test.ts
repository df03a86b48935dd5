import {describe, expect, test} from 'vitest'
import {pgafSql} from '../../src/config/libpq/role-sql.ts'
import {effective} from '../../src/config/printing/effective.ts'
import {mask} from '../../src/config/sections/document.ts'
import {problems, workplace} from './workplace.ts'

const two = 'hosts: {h1: {host: a}, h2: {host: b}}\n'
const monitor = 'monitor: "postgres://watcher@10.0.0.9:5433/pg_auto_failover"'
const load = async (yaml: string) => {
  await using place = await workplace()
  return await place.load(two + yaml)
}

test('defaults: formation, group, age of a report; the role and database of the monitor', async () => {
  const {groups, warnings} = await load(
    'pgaf: {monitor: postgres://watcher@10.0.0.9}\nconfirm: [pgaf]\non_silent: {hold: 5s}\nfailover_after: 20s\n',
  )
  expect(groups[0]).toMatchObject({
    confirm: ['pgaf'],
    onSilent: {holdMs: 5_000},
    pgaf: {formation: 'default', group: 0, nodes: {}, maxAgeMs: 10_000},
  })
  expect(groups[0]?.pgaf?.monitor).toMatchObject({
    ...{host: '10.0.0.9', port: 5432, user: 'watcher', dbname: 'pg_auto_failover'},
  })
  // The monitor is asked, not counted: the standby of two hosts may be away.
  expect(warnings).toEqual([])
})

test('what is shown loads again to the same, but for the password of the monitor', async () => {
  const secret = monitor.replace('watcher@', 'watcher:hunter2@')
  const config = await load(`pgaf: {${secret}, formation: f, group: 2, node: {h1: node_1}, max_age: 5s}\n`)
  const shown = JSON.stringify(effective(config))
  expect(shown).not.toContain('hunter2')
  await using place = await workplace()
  const again = await place.load(shown.replace(mask, 'hunter2'))
  expect(again.groups).toEqual(config.groups)
})

test("the monitor's password may be in a file", async () => {
  await using place = await workplace()
  const path = await place.write('monitor.password', 'secret\n')
  const {groups} = await place.load(`${two}pgaf: {${monitor}, password_file: monitor.password}\n`)
  expect(groups[0]?.pgaf?.monitor.password).toEqual({from: 'password_file', path})
})

describe('refused, each with its path, code and advice', () => {
  test.each([
    ['a confirmation without its key', 'confirm: [pgaf]', 'confirm', 'CONFIG_MISSING', 'pgaf: {monitor:'],
    ['no monitor', 'pgaf: {formation: x}', 'pgaf.monitor', 'CONFIG_MISSING', 'postgres://pgroute66@'],
    ['several monitors', 'pgaf: {monitor: "postgres://a,b/x"}', 'pgaf.monitor', 'CONFIG_DSN', 'several servers'],
    ['a node of an unknown host', `pgaf: {${monitor}, node: {h3: n}}`, 'pgaf.node.h3', 'CONFIG_UNKNOWN_HOST', 'h1'],
    ['a typing error', `pgaf: {${monitor}, formaton: x}`, 'pgaf.formaton', 'CONFIG_UNKNOWN_KEY', 'formation'],
    ['a group that is a name', `pgaf: {${monitor}, group: a}`, 'pgaf.group', 'CONFIG_VALUE', 'whole number'],
    [
      'one key for several clusters',
      `groups: {one: [h1], two: [h2]}\npgaf: {${monitor}}`,
      'pgaf',
      'CONFIG_CONFLICT',
      'cluster of its own',
    ],
  ])('%s', async (_, yaml, path, code, word) => {
    const found = await problems(load(yaml))
    const said = found.find((problem) => problem.path === path && problem.code === code)
    expect(found).toHaveLength(1)
    expect(`${said?.message} ${said?.next}`).toContain(word)
  })
})

test('the SQL for the monitor names the columns that are read', () => {
  const sql = pgafSql('Odd "name"', 'pg_auto_failover')
  expect(sql).toContain('\\connect pg_auto_failover\n')
  expect(sql).toMatch(/GRANT SELECT \(formationid, .*, reporttime\) ON pgautofailover\.node TO "Odd ""name""";/)
})
