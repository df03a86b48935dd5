import type {Config} from '../config.ts'
import type {FileFields} from '../file-shape.ts'

type StarterHost = Readonly<{name: string; lines: readonly string[]}>

/** Any text, in a form that YAML reads as the same text. */
const quoted = (text: string | number) =>
  /^[A-Za-z0-9/][\w./-]*$/.test(String(text)) ? String(text) : JSON.stringify(text)

/**
 * A commented file to begin with, for a configuration (of DSNs) or, with `null`, for example hosts.
 * It holds no password. One of .pgpass is read from there; for others a comment shows the key.
 */
export function starter(config: Config | null): string {
  const hosts =
    config === null
      ? exampleHosts
      : config.hosts.map((host): StarterHost => ({name: host.name, lines: hostLines(host)}))
  const names = hosts.map(({name}) => name).join(', ')
  return `# pgroute66. Every key: "man pgroute66.yaml". Try it: "pgroute66 config check --connect".
hosts:
${hosts.map(({name, lines}) => `  ${quoted(name)}:\n${lines.map((line) => `    ${line}\n`).join('')}`).join('')}
# Without groups, all hosts are one replication cluster.
# groups:
#   orders: [${names}]

# Before a primary gets writes, more than half of the hosts must follow it. Needs three hosts.
${hosts.length > 2 ? '' : '# '}confirm: [followers]
# Of two hosts, or in two data centres: other daemons must see the same primary, by confirm: [peers].
# peers: [https://lb2.example:8443]
# witness: https://witness.example:8443
# With Patroni: it must name the primary, too, by confirm: [patroni].
# patroni: {scope: main, urls: [http://10.0.0.1:8008]}

# The API. For clients on other machines, set up ssl and a firewall first.
bind: 127.0.0.1
port: 8080
# ssl: {cert_file: /etc/pgroute66/cert.pem, key_file: /etc/pgroute66/key.pem}

# The unix socket for "check" and HAProxy, and the directory for what must survive a restart.
# socket: /run/pgroute66/pgroute66.sock
# state_dir: /var/lib/pgroute66

# HAProxy backend: the role that its servers must have.
# haproxy: {backends: {pg_write: primary, pg_read: replica}}

# On each database host: ports with the paths of Patroni or of primgr, about the host on that machine.
# local: ${quoted(hosts[0]?.name ?? 'host1')}
# local_api: {patroni: {port: 8008}}

# probe: {interval: 1s, timeout: 1s, max_age: 3s}
# loglevel: info

# What else there is, with an example each.
${Object.entries(others)
  .map(([key, example]) => `# ${key}: ${example}\n`)
  .join('')}`
}

/** A key of the file that stands in no line above does not compile without one here. */
type Others = Exclude<
  keyof FileFields,
  | 'hosts'
  | 'groups'
  | 'host_groups'
  | 'confirm'
  | 'peers'
  | 'witness'
  | 'patroni'
  | 'bind'
  | 'port'
  | 'ssl'
  | 'socket'
  | 'state_dir'
  | 'haproxy'
  | 'local'
  | 'local_api'
  | 'probe'
  | 'loglevel'
  // It has no effect.
  | 'verbosity'
>
const others: Readonly<Record<Others, string>> = {
  password_encoding: 'plain   # for every password of this file; the default is base64',
  on_silent: 'deny   # a confirmation that does not answer: deny, ignore, or {hold: 10s}',
  on_split_brain: 'refuse   # or follow-evidence, which needs confirm: [followers]',
  on_lossy_promotion: 'tell   # or refuse: no writes until "pgroute66 accept HOST"',
  sustain: '30s   # how long a primary out of reach stays routed while most hosts receive from it',
  failover_after: "30s   # the HA tool's own delay before it promotes",
  read_fallback: 'primary   # who serves reads when no standby is within the limits: primary, any, none',
  repmgr: '{dbname: repmgr}   # for confirm: [repmgr]',
  pgaf: '{monitor: "postgres://pgroute66@10.0.0.9/pg_auto_failover"}   # for confirm: [pgaf]',
  profile: 'fast   # timers for one machine room; wan: for hosts far apart',
  followers: '{max_age: 3s}',
  availability: 'true   # a heartbeat row on the primary',
  socket_group: 'haproxy   # may use the socket',
  control_socket: '/run/pgroute66/control.sock   # for drain, accept and the like',
  tokens_file: '/etc/pgroute66/tokens   # orders over HTTPS',
  logformat: 'json',
  logfile: '/var/log/pgroute66.log   # default: standard error',
  v1_format: 'released   # the answers of /v1 as the code of the original writes them',
  cluster:
    '{set: prod, id: lb1, url: "https://lb1:8443", etcd: {endpoints: ["https://10.0.0.10:2379"]}}' +
    '   # several instances share the groups: docs/scale.md',
  grpc: '{port: 10000}   # answers harepd, and guards: docs/peers.md',
  check: '{timeout: 800ms}   # of the command check; HAProxy passes no flags',
  agent: '{port: 8009}   # for agent-check of HAProxy',
  pgbouncer:
    '[{admin: "postgres://pgbouncer@127.0.0.1:6432/pgbouncer", include: /etc/pgbouncer/pgroute66.ini, ' +
    'databases: {app: primary}}]',
  guard:
    '{users: {read_write: [app]}, addresses: [10.0.0.0/8], ' +
    'neighbours: [grpc://host2:10000, grpc://host3:10000]}   # on each database host: docs/guard.md',
  hooks: '[{run: [/usr/local/bin/page-me], on: [split-brain, no-primary]}]',
  rejoin: '{pgdata: /var/lib/postgresql/15/main}   # pgroute66 rejoin, on the machine of a host',
}

const exampleHosts: readonly StarterHost[] = ['host1', 'host2', 'host3'].map((name, index) => ({
  name,
  lines: [
    `host: 10.0.0.${index + 1}`,
    'port: 5432',
    'user: pgroute66',
    'dbname: postgres',
    index === 0
      ? '# password_file: /run/secrets/pgroute66   # or password: (base64), or ~/.pgpass'
      : '# password_file: /run/secrets/pgroute66',
  ],
}))

function hostLines({connection}: Config['hosts'][number]): readonly string[] {
  const {host, hostaddr, port, user, password, dbname, sslmode, sslrootcert, sslcert, sslkey, sslcrl, options} =
    connection
  const {sslcrldir, requireAuth, channelBinding} = connection
  const files = Object.entries({
    ...{hostaddr, sslrootcert, sslcert, sslkey, sslcrl, sslcrldir, options},
    require_auth: requireAuth?.text ?? null,
    channel_binding: channelBinding === 'prefer' ? null : channelBinding,
  })
  return [
    `host: ${quoted(host)}`,
    ...files.slice(0, 1).flatMap(pair),
    `port: ${port}`,
    `user: ${quoted(user)}`,
    `dbname: ${quoted(dbname)}`,
    `sslmode: ${sslmode}`,
    ...files.slice(1).flatMap(pair),
    password.from === 'pgpass'
      ? `# The password is read from ${password.path.replaceAll(/\p{Cc}/gu, '?')}.`
      : '# password_file: /run/secrets/pgroute66   # the password of the connection string is not written here',
  ]
}

const pair = ([key, value]: [string, string | null]) => (value === null ? [] : [`${key}: ${quoted(value)}`])
