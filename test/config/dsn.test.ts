import {describe, expect, test} from 'vitest'
import {isDsn} from '../../src/config/libpq/dsn.ts'
import {complaint, problems, workplace} from './workplace.ts'

type Row = [dsn: string, hosts: readonly [name: string, host: string, port: number][], more?: object]

const table: readonly Row[] = [
  ['postgres://u@h1/db', [['h1', 'h1', 5432]], {user: 'u', dbname: 'db', sslmode: 'prefer'}],
  ['postgresql://h1', [['h1', 'h1', 5432]], {user: 'tester', dbname: 'tester'}],
  [
    'postgres://u:p@h1:1,h2:2/db?sslmode=verify-full',
    [
      ['h1', 'h1', 1],
      ['h2', 'h2', 2],
    ],
    {sslmode: 'verify-full'},
  ],
  [
    'postgres://h1,h2:5433',
    [
      ['h1', 'h1', 5432],
      ['h2', 'h2', 5433],
    ],
  ],
  [
    'postgres://10.0.0.1:5433,10.0.0.1:5434',
    [
      ['10.0.0.1-5433', '10.0.0.1', 5433],
      ['10.0.0.1-5434', '10.0.0.1', 5434],
    ],
  ],
  [
    'postgres://h1:1,h1:1',
    [
      ['h1-1', 'h1', 1],
      ['h1-1-2', 'h1', 1],
    ],
  ],
  [
    'postgres://all,node',
    [
      ['all-5432', 'all', 5432],
      ['node-5432', 'node', 5432],
    ],
  ],
  ['postgres://[::1]:5433/db', [['1-5433', '::1', 5433]]],
  [
    'postgres://%2Fvar%2Frun%2Fpostgresql/db',
    [['var-run-postgresql-5432', '/var/run/postgresql', 5432]],
    {dbname: 'db'},
  ],
  ['postgres:///db?host=/tmp&port=5433', [['tmp-5433', '/tmp', 5433]], {dbname: 'db'}],
  ['postgres://h1/?ssl=true', [['h1', 'h1', 5432]], {sslmode: 'require'}],
  [
    'host=h1,h2 port=5433',
    [
      ['h1', 'h1', 5433],
      ['h2', 'h2', 5433],
    ],
  ],
  [
    'host=h1,h2 port=1,2 hostaddr=10.0.0.1,10.0.0.2',
    [
      ['h1', 'h1', 1],
      ['h2', 'h2', 2],
    ],
  ],
  ['hostaddr=10.0.0.1', [['10.0.0.1', '10.0.0.1', 5432]], {hostaddr: '10.0.0.1'}],
  ["  host = 'h1'  dbname='it\\'s'  options='-c a=b'", [['h1', 'h1', 5432]], {dbname: "it's", options: '-c a=b'}],
  ['host=h1 dbname=a\\ b', [['h1', 'h1', 5432]], {dbname: 'a b'}],
  ["host='h1'dbname=it's", [['h1', 'h1', 5432]], {dbname: "it's"}],
  ['host=h1 dbname=a\\', [['h1', 'h1', 5432]], {dbname: 'a'}],
]

describe('connection strings', () => {
  for (const [dsn, hosts, more] of table) {
    test(dsn, async () => {
      await using place = await workplace()
      const config = await place.dsn(dsn)
      expect(config.hosts.map(({name, connection}) => [name, connection.host, connection.port])).toEqual(hosts)
      expect(config.groups).toMatchObject([{name: 'all', hosts: hosts.map(([name]) => name)}])
      expect(config.path).toBeNull()
      if (more) expect(config.hosts[0]?.connection).toMatchObject(more)
    })
  }
})

test('several strings are one group; names stay apart', async () => {
  await using place = await workplace()
  const config = await place.dsn(['postgres://a@h1/db', 'host=h2 user=b', 'postgres://c@h1:5433'])
  expect(config.hosts.map(({name, connection}) => [name, connection.user])).toEqual([
    ['h1-5432', 'a'],
    ['h2', 'b'],
    ['h1-5433', 'c'],
  ])
})

const malformed: readonly [dsn: string, code: string, word: string][] = [
  ['postgres://u:hunter2@x@h1/db', 'CONFIG_DSN', '%40'],
  ['postgres://u:hunter2/x@h1/db', 'CONFIG_DSN', '%2F'],
  ['postgres://u:hun%ter2@h1', 'CONFIG_DSN', '%25'],
  ['postgres://h1:hunter2', 'CONFIG_DSN', 'host:port'],
  ['postgres://h1:1:2', 'CONFIG_DSN', 'host:port'],
  ['postgres://h1?hunter2', 'CONFIG_DSN', 'keyword=value'],
  ['postgres://h1?pasword=hunter2', 'CONFIG_UNKNOWN_KEY', '"password"'],
  ['postgres://h1?hunter2=1', 'CONFIG_UNKNOWN_KEY', 'unknown'],
  ['postgres://h1:0', 'CONFIG_VALUE', '65535'],
  ['postgres://h1?sslmode=hunter2', 'CONFIG_VALUE', 'verify-full'],
  ['postgres://h1?service=hunter2', 'CONFIG_SERVICE', 'neither'],
  ['postgres://', 'CONFIG_MISSING', 'host'],
  ['host=h1,h2,h3 port=1,2', 'CONFIG_DSN', 'one port per host'],
  ['host=h1,h2 hostaddr=10.0.0.1', 'CONFIG_DSN', 'hostaddr'],
  ["host=h1 password='hunter2", 'CONFIG_DSN', 'quotes'],
  ['host=h1 password=a hunter2', 'CONFIG_DSN', 'quotes'],
  ["host=h1 password='a'hunter2", 'CONFIG_DSN', 'quotes'],
  ['host', 'CONFIG_DSN', 'keyword=value'],
  ['host=h1 password_file=hunter2', 'CONFIG_UNKNOWN_KEY', 'libpq keywords'],
]

describe('malformed strings say what to do, and repeat nothing', () => {
  for (const [dsn, code, word] of malformed) {
    test(dsn, async () => {
      await using place = await workplace()
      const [first, ...more] = await problems(place.dsn(dsn))
      expect(first?.code).toBe(code)
      expect(`${first?.message} ${first?.next}`).toContain(word)
      expect(JSON.stringify([first, more])).not.toMatch(/hunter2|ter2/)
      expect(more).toEqual([])
    })
  }
})

test('PG* variables are the defaults, in a file as in a string', async () => {
  await using place = await workplace()
  const env = {
    PGPORT: '6000',
    PGUSER: 'eve',
    PGDATABASE: 'd',
    PGSSLMODE: 'require',
    PGAPPNAME: 'x',
    PGOPTIONS: '-c a=b',
    PGSSLSNI: '0',
    PGPASSWORD: 'pw',
  }
  const wanted = {
    port: 6000,
    user: 'eve',
    dbname: 'd',
    sslmode: 'require',
    applicationName: 'x',
    options: '-c a=b',
    sslsni: false,
  }
  for (const config of [await place.dsn('host=h1', env), await place.load('hosts: {h1: {host: h1}}', env)]) {
    expect(config.hosts[0]?.connection).toMatchObject(wanted)
    expect(config.hosts[0]?.connection.password).toMatchObject({text: 'pw'})
  }
  const error = await complaint(place.dsn('postgres://h1,h2', {PGPORT: 'x', PGSSLMODE: 'y'}))
  expect(error.message).toContain('$PGPORT: "x" is not a whole number')
  expect(error.message).toContain('$PGSSLMODE: "y" is not one of')
})

test('nothing but $PGHOST, which may be a list', async () => {
  await using place = await workplace()
  const {loadConfig} = await import('../../src/config/load.ts')
  const config = await loadConfig({env: {...place.env, PGHOST: 'h1,h2', PGPORT: '1,2'}, cwd: place.directory})
  expect(config.hosts.map(({name, connection}) => [name, connection.port])).toEqual([
    ['h1', 1],
    ['h2', 2],
  ])
})

test('a file and a string together are refused', async () => {
  await using place = await workplace()
  const {loadConfig} = await import('../../src/config/load.ts')
  expect(
    (await complaint(loadConfig({path: 'x.yml', dsns: ['host=h1'], env: place.env, cwd: place.directory}))).code,
  ).toBe('CONFIG_CONFLICT')
})

test('what is a string, and what the name of a host', () => {
  expect(['postgres://x', 'postgresql://x', 'host=x'].every(isDsn)).toBe(true)
  expect(['host1', '10.0.0.1', 'a-b_c.d'].some(isDsn)).toBe(false)
})
