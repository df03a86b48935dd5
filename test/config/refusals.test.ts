import {describe, expect, test} from 'vitest'
import {complaint, problems, workplace} from './workplace.ts'

const host = 'h1: {host: a}'
const three = 'hosts: {h1: {host: a}, h2: {host: b}, h3: {host: c}}\n'

/** What is wrong → where it is said, under which code, and a word that the operator needs. */
const table: readonly [title: string, yaml: string, path: string, code: string, word: string][] = [
  ['no hosts', 'bind: ::1', 'hosts', 'CONFIG_MISSING', 'init'],
  ['hosts as a list', 'hosts: [a]', 'hosts', 'CONFIG_TYPE', 'mapping'],
  ['a host without address', 'hosts: {h1: {port: 1}}', 'hosts.h1.host', 'CONFIG_MISSING', 'missing'],
  ['a host that is nothing', 'hosts: {h1: }', 'hosts.h1.host', 'CONFIG_MISSING', 'missing'],
  ['a typing error', 'hosts: {h1: {host: a, prot: 1}}', 'hosts.h1.prot', 'CONFIG_UNKNOWN_KEY', '"port"'],
  ["pgx' word", 'hosts: {h1: {host: a, database: b}}', 'hosts.h1.database', 'CONFIG_UNKNOWN_KEY', '"dbname"'],
  ['a typing error at the top', `hosts: {${host}}\nprobes: {interval: 1s}`, 'probes', 'CONFIG_UNKNOWN_KEY', '"probe"'],
  ['another spelling', `hosts: {${host}}\nlogLevel: info`, 'logLevel', 'CONFIG_UNKNOWN_KEY', '"loglevel"'],
  [
    'a key of a later version',
    `hosts: {${host}}\netcd: [x]`,
    'etcd',
    'CONFIG_NOT_SUPPORTED',
    'not supported by this version',
  ],
  [
    'an instance that is a path',
    `hosts: {${host}}\nhaproxy: {instances: [x]}`,
    'haproxy.instances[0]',
    'CONFIG_TYPE',
    'mapping',
  ],
  [
    'an instance without a socket',
    `hosts: {${host}}\nhaproxy: {backends: {a: primary}, instances: [{}]}`,
    'haproxy.instances[0].socket',
    'CONFIG_MISSING',
    'stats',
  ],
  [
    'a push to nothing',
    `hosts: {${host}}\nhaproxy: {instances: [{socket: /a}]}`,
    'haproxy.instances[0].backends',
    'CONFIG_MISSING',
    'pg_write',
  ],
  [
    'a socket that is none',
    `hosts: {${host}}\nhaproxy: {backends: {a: primary}, instances: [{socket: lb1}]}`,
    'haproxy.instances[0].socket',
    'CONFIG_VALUE',
    '10.0.0.9',
  ],
  [
    'a role that is none',
    `hosts: {${host}}\nhaproxy: {backends: {a: writer}}`,
    'haproxy.backends.a',
    'CONFIG_VALUE',
    'primary',
  ],
  [
    'a PgBouncer without a file',
    `hosts: {${host}}\npgbouncer: [{admin: "host=x", databases: {app: primary}}]`,
    'pgbouncer[0].include',
    'CONFIG_MISSING',
    '%include',
  ],
  [
    'a PgBouncer without databases',
    `hosts: {${host}}\npgbouncer: [{admin: "host=x", include: f}]`,
    'pgbouncer[0].databases',
    'CONFIG_MISSING',
    'role',
  ],
  [
    'two admin consoles in one',
    `hosts: {${host}}\npgbouncer: [{admin: "host=x,y", include: f, databases: {app: primary}}]`,
    'pgbouncer[0].admin',
    'CONFIG_DSN',
    'each',
  ],
  [
    'a database that is two lines',
    `hosts: {${host}}\npgbouncer: [{admin: "host=x", include: f, databases: {"a b": primary}}]`,
    'pgbouncer[0].databases',
    'CONFIG_VALUE',
    'letters',
  ],
  [
    'one HAProxy twice',
    `hosts: {${host}}\nhaproxy: {backends: {w: primary}, instances: [{socket: /a}, {socket: /b}, {socket: /a}]}`,
    'haproxy.instances[2].socket',
    'CONFIG_CONFLICT',
    'one entry',
  ],
  [
    'two entries for one PgBouncer',
    `hosts: {${host}}\npgbouncer: [{admin: "postgres://u@10.0.0.9:6432/", include: a, databases: {x: primary}}, ` +
      '{admin: "postgres://u@10.0.0.9:6432/", include: b, databases: {y: primary}}]',
    'pgbouncer[1].admin',
    'CONFIG_CONFLICT',
    'one entry',
  ],
  [
    'one include file with different databases',
    `hosts: {${host}}\npgbouncer: [{admin: "host=/run/a", include: f, databases: {x: primary}}, ` +
      '{admin: "host=/run/b", include: f, databases: {x: replica}}]',
    'pgbouncer[1].databases',
    'CONFIG_CONFLICT',
    'both',
  ],
  [
    'a port that there is not',
    `hosts: {${host}}\nhaproxy: {backends: {w: primary}, instances: [{socket: "10.0.0.9:99999"}]}`,
    'haproxy.instances[0].socket',
    'CONFIG_VALUE',
    '9999',
  ],
  ['a hook that does nothing', `hosts: {${host}}\nhooks: [{on: [primary]}]`, 'hooks[0]', 'CONFIG_CONFLICT', 'post'],
  ['a hook without a command', `hosts: {${host}}\nhooks: [{run: []}]`, 'hooks[0].run', 'CONFIG_VALUE', 'shell'],
  [
    'a hook on nothing that is',
    `hosts: {${host}}\nhooks: [{run: [/a], on: [split]}]`,
    'hooks[0].on[0]',
    'CONFIG_VALUE',
    'split-brain',
  ],
  [
    'a hook for no group',
    `hosts: {${host}}\nhooks: [{run: [/a], groups: [al]}]`,
    'hooks[0].groups[0]',
    'CONFIG_UNKNOWN_GROUP',
    '"all"',
  ],
  [
    'a webhook that is none',
    `hosts: {${host}}\nhooks: [{post: hooks.example}]`,
    'hooks[0].post',
    'CONFIG_VALUE',
    'https',
  ],
  ['a port that is none', 'hosts: {h1: {host: a, port: 65536}}', 'hosts.h1.port', 'CONFIG_VALUE', '65535'],
  ['a port by name', 'hosts: {h1: {host: a, port: pg}}', 'hosts.h1.port', 'CONFIG_VALUE', 'whole number'],
  [
    'a mode that is none',
    'hosts: {h1: {host: a, sslmode: verify_full}}',
    'hosts.h1.sslmode',
    'CONFIG_VALUE',
    '"verify-full"',
  ],
  ['several hosts in one', 'hosts: {h1: {host: "a,b"}}', 'hosts.h1.host', 'CONFIG_VALUE', 'one host per entry'],
  ['a service', 'hosts: {h1: {host: a, service: x}}', 'hosts.h1.service', 'CONFIG_SERVICE', 'neither'],
  [
    'two passwords',
    'hosts: {h1: {host: a, password: YQ==, password_file: f}}',
    'hosts.h1',
    'CONFIG_CONFLICT',
    'password_file',
  ],
  [
    'system roots, weakly',
    'hosts: {h1: {host: a, sslmode: require, sslrootcert: system}}',
    'hosts.h1.sslmode',
    'CONFIG_CONFLICT',
    'verify-full',
  ],
  ['a reserved name', 'hosts: {node: {host: a}}', 'hosts.node', 'CONFIG_NAME', 'taken'],
  ['a name of JavaScript', 'hosts: {__proto__: {host: a}}', 'hosts.__proto__', 'CONFIG_NAME', 'taken'],
  ['a name with a slash', 'hosts: {a/b: {host: a}}', 'hosts', 'CONFIG_NAME', 'letters'],
  ['a long name', `hosts: {${'a'.repeat(64)}: {host: a}}`, 'hosts', 'CONFIG_NAME', '63'],
  ['the group all', `hosts: {${host}}\ngroups: {all: [h1]}`, 'groups.all', 'CONFIG_NAME', 'taken'],
  ['an empty group', `hosts: {${host}}\ngroups: {g: []}`, 'groups.g', 'CONFIG_MISSING', 'hosts'],
  ['a host that is not there', `hosts: {${host}}\ngroups: {g: [h1, h2]}`, 'groups.g[1]', 'CONFIG_UNKNOWN_HOST', '"h1"'],
  [
    'the same, written long',
    `hosts: {${host}}\ngroups: {g: {hosts: [h2]}}`,
    'groups.g.hosts[0]',
    'CONFIG_UNKNOWN_HOST',
    '"h1"',
  ],
  ['a host twice', `hosts: {${host}}\ngroups: {g: [h1, h1]}`, 'groups.g[1]', 'CONFIG_UNKNOWN_HOST', 'second time'],
  [
    'groups twice',
    `hosts: {${host}}\ngroups: {g: [h1]}\nhost_groups: {g: [h1]}`,
    'host_groups',
    'CONFIG_CONFLICT',
    'groups',
  ],
  [
    'an identifier that is none',
    `hosts: {${host}}\ngroups: {g: {hosts: [h1], system_identifier: x}}`,
    'groups.g.system_identifier',
    'CONFIG_VALUE',
    'pg_controldata',
  ],
  ['a bare number', `${three}probe: {interval: 500}`, 'probe.interval', 'CONFIG_UNIT', '"500ms" or "500s"'],
  ['a unit that is none', `${three}probe: {timeout: 3 lightyears}`, 'probe.timeout', 'CONFIG_UNIT', '"500ms"'],
  ['a probe without pause', `${three}probe: {interval: 1ms}`, 'probe.interval', 'CONFIG_VALUE', '10ms'],
  ['answers that are stale at birth', `${three}probe: {interval: 5s}`, 'probe.max_age', 'CONFIG_MAX_AGE', '6s'],
  ['a confirmation alone', `hosts: {${host}}\nconfirm: [followers]`, 'confirm', 'CONFIG_CONFIRM', 'no other host'],
  ['a confirmation that is none', `${three}confirm: [follower]`, 'confirm[0]', 'CONFIG_VALUE', '"followers"'],
  ['a confirmation as a word', `${three}confirm: followers`, 'confirm', 'CONFIG_TYPE', 'list'],
  ['a confirmation twice', `${three}confirm: [majority, majority]`, 'confirm[1]', 'CONFIG_VALUE', 'second time'],
  [
    'follow-evidence without a confirmation that could give evidence',
    `${three}on_split_brain: follow-evidence`,
    'on_split_brain',
    'CONFIG_NO_EVIDENCE',
    'confirm',
  ],
  [
    'follow-evidence with a confirmation that names no host',
    `${three}confirm: [majority]\non_split_brain: follow-evidence`,
    'on_split_brain',
    'CONFIG_NO_EVIDENCE',
    'Add followers',
  ],
  [
    'the same in a group of its own',
    `${three}groups: {a: {hosts: [h1, h2, h3], confirm: [majority]}}\non_split_brain: follow-evidence`,
    'on_split_brain',
    'CONFIG_NO_EVIDENCE',
    'majority, which names no host',
  ],
  [
    'holding what is seen directly',
    `${three}confirm: [followers]\non_silent: {hold: 5s}\nfailover_after: 9s`,
    'on_silent',
    'CONFIG_HOLD',
    'repmgr',
  ],
  ['holding nothing', `${three}confirm: [followers]\non_silent: {}`, 'on_silent.hold', 'CONFIG_MISSING', 'hold'],
  [
    'a table for injection',
    `${three}availability: {table: "a; drop table b"}`,
    'availability.table',
    'CONFIG_VALUE',
    'table',
  ],
  ['an address with its port', `${three}bind: 127.0.0.1:80`, 'bind', 'CONFIG_VALUE', 'holds the port'],
  ['a path too long', `${three}socket: /${'x'.repeat(120)}`, 'socket', 'CONFIG_VALUE', '107'],
  ['a level that is none', `${three}loglevel: loud`, 'loglevel', 'CONFIG_VALUE', 'debug'],
  [
    'a backend of no role',
    `${three}haproxy: {backends: {pg: writer}}`,
    'haproxy.backends.pg',
    'CONFIG_VALUE',
    'primary',
  ],
  ['ssl without anything', `${three}ssl: {client_ca_file: x}`, 'ssl.cert', 'CONFIG_MISSING', 'cert_file'],
]

describe('refused, each with its path, code and advice', () => {
  for (const [title, yaml, path, code, word] of table) {
    test(title, async () => {
      await using place = await workplace()
      const found = await problems(place.load(yaml))
      expect(found.map((problem) => [problem.path, problem.code])).toContainEqual([path, code])
      const said = found.find((problem) => problem.path === path)
      expect(`${said?.message} ${said?.next}`).toContain(word)
      expect(found).toHaveLength(1)
    })
  }
})

test('all problems at once, each with its path, the wrong value, and what to write', async () => {
  await using place = await workplace()
  const error = await complaint(
    place.load(`hosts:
  h1: {host: a, port: 0, sslmod: x}
groups: {g: [h1, host9]}
probe: {interval: 5, timeout: soon}
bnid: 1
confirm: [majorty]
bind: 127.0.0.1:80
`),
  )
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.message.replaceAll(`${place.directory}/pgroute66.yml`, 'FILE').split('\n').slice(1)).toEqual([
    '  FILE:5:1: bnid is not a known key. Did you mean "bind"?',
    '  FILE:2:26: hosts.h1.sslmod is not a known key. Did you mean "sslmode"?',
    '  FILE:2:23: hosts.h1.port: "0" is not a whole number from 1 to 65535. Write one from 1 to 65535.',
    '  FILE:4:19: probe.interval: "5" is a number without a unit. Write "5ms" or "5s".',
    '  FILE:4:31: probe.timeout: "soon" is not a duration. Write a number and a unit: "500ms", "1s", "2m".',
    '  FILE:3:18: groups.g[1]: "host9" is not the name of a host. Add it to hosts, or write one of h1.',
    '  FILE:6:11: confirm[0]: "majorty" is not the name of a confirmation. Did you mean "majority"?',
    '  FILE:7:7: bind: "127.0.0.1:80" is not an address or a host name. ' +
      'Write the address alone. The key port holds the port.',
  ])
  expect(error.message).toContain('8 problems in ')
})

test('a value that may be a secret is not shown, in the file or anywhere in a connection string', async () => {
  await using place = await workplace()
  const file = await complaint(place.load('hosts: {h1: {host: a, port: s3cr3t!, sslmode: hunter2}}'))
  expect(file.message).toContain('hosts.h1.port is not a whole number')
  expect(file.message).not.toMatch(/s3cr3t|hunter2/)
  // "@host" is missing: the password stands where the port would.
  const dsn = await complaint(place.dsn('postgres://u:123456'))
  expect(dsn.message).toContain('dsn.port is not a whole number')
  expect(dsn.message).not.toContain('123456')
})
