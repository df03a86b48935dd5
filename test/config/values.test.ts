import {expect, test} from 'vitest'
import {formatDuration, parseDuration} from '../../src/core/duration.ts'
import {OperatorError} from '../../src/core/errors.ts'
import {parseSize} from '../../src/core/size.ts'
import {workplace} from './workplace.ts'

test('durations', () => {
  const good = {
    '500ms': 500,
    '1s': 1000,
    '1.5s': 1500,
    '2m': 120_000,
    '2min': 120_000,
    '1h': 3_600_000,
    '1m30s': 90_000,
    '0': 0,
    ' 3s ': 3000,
  }
  for (const [text, ms] of Object.entries(good)) expect(parseDuration(text), text).toBe(ms)
  for (const text of ['', '5', '5 s', 's', '-1s', '1d', '1e3s', '1s!', '99999h', 'NaNms', '1..5s']) {
    expect(() => parseDuration(text), text).toThrow(OperatorError)
  }
  for (const ms of [0, 1, 1000, 1500, 60_000, 90_000, 3_600_000]) expect(parseDuration(formatDuration(ms))).toBe(ms)
})

test('sizes, as PostgreSQL counts', () => {
  const good = {
    '16MB': 16 * 1024 ** 2,
    '64kB': 65_536,
    '1GB': 1024 ** 3,
    '8B': 8,
    '1 MB': 1024 ** 2,
    '1MiB': 1024 ** 2,
    '1.5kB': 1536,
    '0': 0,
  }
  for (const [text, bytes] of Object.entries(good)) expect(parseSize(text), text).toBe(bytes)
  for (const text of ['', '16', 'MB', '-1MB', '1PB', '99999999TB', '1MBit'])
    expect(() => parseSize(text), text).toThrow(OperatorError)
})

test('every default of DESIGN 8', async () => {
  await using place = await workplace()
  const config = await place.load('hosts: {h1: {host: a}, h2: {host: b}}')
  expect(config).toMatchObject({
    groups: [
      {
        name: 'all',
        hosts: ['h1', 'h2'],
        confirm: [],
        onSilent: 'deny',
        onSplitBrain: 'refuse',
        readFallback: 'primary',
        systemIdentifier: null,
      },
    ],
    probe: {
      intervalMs: 1000,
      fastIntervalMs: 100,
      timeoutMs: 1000,
      connectTimeoutMs: 3000,
      maxAgeMs: 3000,
      knockIntervalMs: 5000,
      pingIntervalMs: 200,
      fastPingIntervalMs: 20,
      pingTimeoutMs: 500,
    },
    followers: {maxAgeMs: 10_000, nudge: true},
    availability: null,
    stateDir: null,
    bind: '127.0.0.1',
    port: 8080,
    ssl: null,
    socket: null,
    controlSocket: null,
    tokensFile: null,
    log: {level: 'info', format: 'text', file: null},
    v1Format: 'documented',
    check: {timeoutMs: 2000},
    haproxy: {backends: {}, instances: [], resyncMs: 1_000},
    agent: null,
    pgbouncer: [],
    hooks: [],
    warnings: [],
  })
  expect(config.hosts[0]?.connection).toMatchObject({
    host: 'a',
    hostaddr: null,
    port: 5432,
    user: 'tester',
    dbname: 'tester',
    sslmode: 'prefer',
    sslsni: true,
    applicationName: 'pgroute66',
    options: null,
  })
})

test('every key that can be set', async () => {
  await using place = await workplace()
  const config = await place.load(`
hosts:
  h1: {host: a, hostaddr: 10.0.0.1, sslsni: 0, options: -c geqo=off, application_name: x,
    aliases: [10.1.0.1], location: mr, sslrootcert: ca.pem, delayed: read}
  h2: {host: b}
  h3: {host: c}
groups:
  one: [h1, h2, h3]
  two: {hosts: [h2], confirm: [], on_lossy_promotion: tell, read_fallback: none, sustain: 0,
    system_identifier: 18446744073709551615}
confirm: [majority, followers]
on_silent: ignore
on_split_brain: refuse
on_lossy_promotion: refuse
read_fallback: any
sustain: 5s
followers: {max_age: 20s, nudge: no}
availability: {limit: 20s}
socket: /run/pgroute66/pgroute66.sock
loglevel: fatal
v1_format: released
check: {timeout: 800ms}
haproxy: {backends: {pg_write: primary, pg_read: read-only}}
`)
  expect(config).toMatchObject({
    groups: [
      {
        name: 'one',
        hosts: ['h1', 'h2', 'h3'],
        confirm: ['majority', 'followers'],
        onSilent: 'ignore',
        onLossyPromotion: 'refuse',
        readFallback: 'any',
        sustainMs: 5_000,
      },
      {
        name: 'two',
        hosts: ['h2'],
        confirm: [],
        onLossyPromotion: 'tell',
        readFallback: 'none',
        sustainMs: 0,
        systemIdentifier: '18446744073709551615',
      },
    ],
    followers: {maxAgeMs: 20_000, nudge: false},
    availability: {intervalMs: 1000, table: 'public.pgr66_avc', limitMs: 20_000},
    controlSocket: '/run/pgroute66/control.sock',
    log: {level: 'error'},
    v1Format: 'released',
    check: {timeoutMs: 800},
    haproxy: {backends: {pg_write: 'primary', pg_read: 'read-only'}, instances: [], resyncMs: 1_000},
  })
  expect(config.hosts[0]).toMatchObject({
    aliases: ['10.1.0.1'],
    location: 'mr',
    delayed: 'read',
    connection: {
      hostaddr: '10.0.0.1',
      sslsni: false,
      options: '-c geqo=off',
      applicationName: 'x',
      sslrootcert: `${place.directory}/ca.pem`,
    },
  })
})

test('sustain: a lost primary stays routed from three hosts on, and one of a pair does not', async () => {
  await using place = await workplace()
  const config = await place.load(`
hosts: {h1: {host: a}, h2: {host: b}, h3: {host: c}}
groups: {pair: [h1, h2], three: [h1, h2, h3]}
`)
  expect(config.groups.map(({sustainMs}) => sustainMs)).toEqual([0, 30_000])
})

test('frozen all the way down', async () => {
  await using place = await workplace()
  const config = await place.load('hosts: {h1: {host: a}}')
  for (const value of [config, config.hosts, config.hosts[0]?.connection, config.groups[0]?.hosts, config.probe])
    expect(Object.isFrozen(value)).toBe(true)
})

test('warnings: the configuration loads, and the operator learns what has no effect', async () => {
  await using place = await workplace()
  const paths = async (yaml: string) => (await place.load(yaml)).warnings.map(({path}) => path)
  expect(await paths('hosts: {h1: {host: a, pool_max_conns: 4, tcp_user_timeout: 3, require_auth: md5}}')).toEqual([
    'hosts.h1.pool_max_conns',
    'hosts.h1.tcp_user_timeout',
  ])
  expect(await paths('hosts: {h1: {host: a}, h2: {host: b}}\ngroups: {g: [h1]}')).toEqual(['hosts.h2'])
  const alone = 'hosts: {h1: {host: a}, h2: {host: b}, h3: {host: c}, h4: {host: d}, h5: {host: e}, h6: {host: f}}\n'
  const groups = 'groups: {a: [h1, h2, h3], c: [h1, h2, h4], b: {hosts: [h4, h5, h6], confirm: [CONFIRM]}}\n'
  const majority = `${alone}${groups.replace('CONFIRM', 'majority')}confirm: [majority]`
  expect(await paths(majority)).toEqual(['confirm', 'groups.b.confirm'])
  expect((await place.load(majority)).warnings).toMatchObject([
    {message: expect.stringContaining('does not make several daemons exclusive')},
    {next: expect.stringContaining('use followers')},
  ])
  expect(await paths(`${alone}${groups.replace('CONFIRM', 'followers')}confirm: [majority, followers]`)).toEqual([])
  const two = await place.load('hosts: {h1: {host: a}, h2: {host: b}}\nconfirm: [followers]')
  expect(two.warnings).toMatchObject([
    {path: 'confirm', message: expect.stringContaining('writes stop'), next: expect.stringContaining('witness')},
  ])
})

test('ping_interval: 0 turns the fast pings off as well, and none is slower than the ones at rest', async () => {
  await using place = await workplace()
  const probeOf = async (probe: string) => (await place.load(`hosts: {h1: {host: a}}\nprobe: {${probe}}`)).probe
  expect(await probeOf('ping_interval: 0')).toMatchObject({pingIntervalMs: 0, fastPingIntervalMs: 0})
  expect(await probeOf('ping_interval: 15ms')).toMatchObject({pingIntervalMs: 15, fastPingIntervalMs: 15})
  await expect(probeOf('fast_ping_interval: 1ms')).rejects.toThrow('shorter than 10ms')
})
