import {describe, expect, test} from 'vitest'
import {fromFile} from '../../src/config/load.ts'
import {ConfigError} from '../../src/config/reading/problem.ts'

const hosts = `hosts:
  host1: {host: 10.0.0.1, user: p}
  host2: {host: 10.0.0.2, user: p}
  host3: {host: 10.0.0.3, user: p}
`
const etcd = 'etcd: {endpoints: [http://10.0.0.10:2379]}'
const whole = `cluster: {set: prod, id: lb1, url: "https://lb1:8443", ${etcd}}\n`
const bouncerAt = (host: string) =>
  [
    `pgbouncer: [{admin: "postgres://p@${host}:6432/pgbouncer"`,
    'include: /etc/pgbouncer/db.ini',
    'databases: {app: primary}}]',
  ].join(', ')

const load = (text: string) => fromFile({path: '/etc/pgroute66/config.yaml', text, mode: 0o600, uid: 0} as never, {})
async function problemsOf(text: string): Promise<readonly string[]> {
  try {
    await load(text)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({path, code}) => `${path} ${code}`)
  }
}

test('a set: what is not given has its default, and paths are relative to the file', async () => {
  const {cluster} = await load(`${hosts}${whole}`)
  expect(cluster).toMatchObject({set: 'prod', id: 'lb1', url: 'https://lb1:8443', ttlMs: 10_000, hasStandby: false})
  const more = whole.replace('}}', '}, ca_file: ca.crt, cert_file: lb.crt, key_file: lb.key, ttl: 20s, standby: 1}')
  expect((await load(`${hosts}${more}`)).cluster).toMatchObject({
    caFile: '/etc/pgroute66/ca.crt',
    ttlMs: 20_000,
    hasStandby: true,
  })
  expect((await load(hosts)).cluster).toBeNull()
})

describe('refused', () => {
  test.each([
    ['no url', `cluster: {id: lb1, ${etcd}}`, 'cluster.url CONFIG_MISSING'],
    ['no etcd', 'cluster: {id: lb1, url: "https://lb1:8443"}', 'cluster.etcd CONFIG_MISSING'],
    ['a url with a path', whole.replace(':8443', ':8443/v1'), 'cluster.url CONFIG_VALUE'],
    [
      'an endpoint that is none',
      whole.replace('http://10.0.0.10:2379', 'etcd'),
      'cluster.etcd.endpoints[0] CONFIG_VALUE',
    ],
    ['a lease that is shorter than an election', whole.replace('set: prod', 'ttl: 5s'), 'cluster.ttl CONFIG_VALUE'],
    ['a certificate without a key', whole.replace('set: prod', 'cert_file: lb.crt'), 'cluster.key_file CONFIG_MISSING'],
    ['a name with a slash', whole.replace('set: prod', 'set: a/b'), 'cluster.set CONFIG_NAME'],
    ['a host in two groups', `${whole}groups: {a: [host1, host2], b: [host2, host3]}`, 'groups CONFIG_CLUSTER'],
    ['a host in no group', `${whole}groups: {a: [host1, host2]}`, 'hosts.host3 CONFIG_CLUSTER'],
    [
      'an HAProxy at a network address',
      `${whole}haproxy: {backends: {w: primary}, instances: [{socket: "10.0.0.9:9999"}]}`,
      'haproxy.instances[0].socket CONFIG_CLUSTER',
    ],
    ['a PgBouncer at a network address', `${whole}${bouncerAt('10.0.0.9')}`, 'pgbouncer[0].admin CONFIG_CLUSTER'],
  ])('%s', async (_, text, problem) => {
    expect(await problemsOf(`${hosts}${text}\n`)).toContain(problem)
  })

  test.each([
    ['HAProxy', 'haproxy: {backends: {w: primary}, instances: [{socket: /run/haproxy/admin.sock}]}'],
    ['PgBouncer', bouncerAt('127.0.0.1')],
    ['Patroni', 'local: host1\nlocal_api: {patroni: {port: 8008}}'],
    ['harepd', 'grpc: {port: 10000}'],
  ])('what an instance is to its own machine is not: %s', async (_, more) => {
    expect(await problemsOf(`${hosts}${whole}${more}\n`)).toEqual([])
  })
})
