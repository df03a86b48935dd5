import {alternative} from './reading/alternative.ts'
import {choice, duration, flag, integer, text} from './reading/scalar.ts'
import {named, section} from './reading/section.ts'
import {describe, type Read, type Shape} from './reading/shape.ts'
import {isText} from './reading/yaml-node.ts'
import {agentShape, haproxyShape, hooksShape, pgbouncerShape} from './sections/actuator-shapes.ts'
import {groupsShape, policyFields} from './sections/group.ts'
import {hostFields, passwordEncoding} from './sections/host.ts'
import {acceptName} from './sections/host-name.ts'
import {sslShape} from './sections/tls.ts'

const levels = {trace: 'debug', warning: 'warn', dpanic: 'error', panic: 'error', fatal: 'error'} as const

export const availabilityDefaults = {interval: 1000, table: 'public.pgr66_avc', limit: 10_000}

/** The whole file (DESIGN 8). Every key once: how it is read, and what an editor shows. */
export const fileShape = section(
  {
    hosts: describe(
      'the PostgreSQL servers; libpq keywords',
      named(hostFields, (name, _node, path, report) => acceptName('host', name, path, report)),
    ),
    groups: nullable(groupsShape),
    host_groups: nullable(describe('the same as groups', groupsShape)),
    password_encoding: passwordEncoding,
    ...policyFields,
    failover_after: describe("the HA tool's own delay before it promotes", duration(null)),
    followers: describe(
      'the confirmation by followers',
      section({
        max_age: describe('older messages of a follower do not count', duration(10_000)),
        nudge: describe('ask the primary for a tiny logical message every second', flag(true)),
      }),
    ),
    probe: describe(
      'how hosts are asked',
      section({
        interval: describe('between two probes', duration(1000, 10)),
        fast_interval: describe('the same while something changes', duration(100, 10)),
        timeout: describe('for one question', duration(1000, 10)),
        connect_timeout: describe('for a new connection', duration(3000, 10)),
        max_age: describe('an older answer is no answer', duration(3000, 10)),
        knock_interval: describe('between two fresh connections', duration(5000, 100)),
      }),
    ),
    availability: describe(
      'heartbeat row on the primary; true for the defaults',
      alternative(
        isText,
        flag(false),
        section({
          interval: duration(availabilityDefaults.interval, 100),
          table: describe('is made by the first heartbeat', text(availabilityDefaults.table)),
          limit: duration(availabilityDefaults.limit),
        }),
      ),
    ),
    bind: describe('address to listen on', text('127.0.0.1')),
    port: describe('default 8443 with ssl, else 8080', integer(null, 0, 65_535)),
    ssl: nullable(sslShape),
    socket: describe('unix socket for HAProxy and check', text(null)),
    socket_group: describe('group that may use the socket', text(null)),
    control_socket: describe('unix socket for commands; default control.sock beside the socket', text(null)),
    tokens_file: describe('tokens that may drain and accept', text(null)),
    state_dir: describe('where timelines, drains and decisions are remembered', text(null)),
    loglevel: describe('default info', choice('info', ['debug', 'info', 'warn', 'error'], levels)),
    logformat: choice('text', ['text', 'json']),
    logfile: describe('default: stderr', text(null)),
    v1_format: describe(
      "released: byte for byte as the original's code",
      choice('documented', ['documented', 'released']),
    ),
    check: describe('the command check', section({timeout: describe('for the whole command', duration(2000, 10))})),
    haproxy: haproxyShape,
    agent: nullable(describe("HAProxy's agent-check", agentShape)),
    pgbouncer: describe('PgBouncers that are pointed at the primary', pgbouncerShape),
    hooks: describe('commands and webhooks that are told of every verdict', hooksShape),
  },
  {
    later: ['local', 'local_api', 'peers', 'witness', 'repmgr', 'patroni', 'etcd', 'guard', 'rejoin', 'connector'],
    synonyms: {
      listen: 'bind',
      log_level: 'loglevel',
      log_file: 'logfile',
      tls: 'ssl',
      servers: 'hosts',
      nodes: 'hosts',
    },
  },
)
export type FileFields = Read<typeof fileShape>

/** `null` when the key is not there. */
function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {absent: null, schema: shape.schema, read: shape.read}
}
