import {isIP} from 'node:net'
import {dirname, join, resolve} from 'node:path'
import {formatDuration} from '../core/duration.ts'
import type {AvailabilitySettings, HostSettings, ProbeSettings} from '../core/settings.ts'
import type {Config} from './config.ts'
import {availabilityDefaults, type FileFields} from './file-shape.ts'
import type {Environment} from './libpq/environment.ts'
import type {Report} from './reading/report.ts'
import {actuatorSettings} from './sections/actuators.ts'
import {groupSettings} from './sections/group-rules.ts'
import {tlsSettings} from './sections/tls.ts'

/**
 * From what was read to what everybody else uses: defaults that depend on other keys, and the rules
 * across keys. Problems go to the report.
 */
export async function settingsFrom(
  fields: FileFields,
  hosts: readonly HostSettings[],
  directory: string,
  env: Environment,
  report: Report,
): Promise<Omit<Config, 'path' | 'warnings'>> {
  const at = (path: string | null) => (path === null ? null : resolve(directory, path))
  if (fields.groups !== null && fields.host_groups !== null) {
    report.refuse('host_groups', 'CONFIG_CONFLICT', 'is the same as groups, which is there too', 'Keep groups.')
  }
  const ssl = fields.ssl && (await tlsSettings(fields.ssl, directory, report))
  const groups = groupSettings(fields.groups ?? fields.host_groups, fields.groups ? 'groups' : 'host_groups', {
    general: fields,
    failoverAfterMs: fields.failover_after,
    hosts: hosts.map(({name}) => name),
    report,
  })
  const socket = socketPath(at(fields.socket), 'socket', report)
  const beside = socket === null ? null : join(dirname(socket), 'control.sock')
  return {
    hosts,
    groups,
    probe: probeSettings(fields.probe, report),
    followers: {maxAgeMs: fields.followers.max_age, nudge: fields.followers.nudge},
    availability: availabilitySettings(fields.availability, report),
    stateDir: at(fields.state_dir),
    bind: bindAddress(fields.bind, report),
    port: fields.port ?? (ssl ? 8443 : 8080),
    ssl,
    socket,
    socketGroup: fields.socket_group,
    controlSocket: socketPath(at(fields.control_socket), 'control_socket', report) ?? beside,
    tokensFile: at(fields.tokens_file),
    log: {level: fields.loglevel, format: fields.logformat, file: at(fields.logfile)},
    v1Format: fields.v1_format,
    check: {timeoutMs: fields.check.timeout},
    ...actuatorSettings(fields, {directory, env, groups, report}),
  }
}

function probeSettings(given: FileFields['probe'], report: Report): ProbeSettings {
  const least = given.interval + given.timeout
  if (report.isClean('probe') && given.max_age < least) {
    const message = `is ${formatDuration(given.max_age)}, less than probe.interval + probe.timeout (${formatDuration(least)}): every slow answer would be stale`
    report.refuse('probe.max_age', 'CONFIG_MAX_AGE', message, `Set it to ${formatDuration(least)} or more.`)
  }
  return {
    intervalMs: given.interval,
    fastIntervalMs: Math.min(given.fast_interval, given.interval),
    timeoutMs: given.timeout,
    connectTimeoutMs: given.connect_timeout,
    maxAgeMs: given.max_age,
    knockIntervalMs: given.knock_interval,
  }
}

/** The table's name is written into SQL, so only plain identifiers are taken. */
function availabilitySettings(given: FileFields['availability'], report: Report): AvailabilitySettings | null {
  if (given === false) return null
  const {interval, table, limit} = given === true ? availabilityDefaults : given
  if (!/^[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?$/.test(table)) {
    report.refuse(
      'availability.table',
      'CONFIG_VALUE',
      'is not the name of a table',
      'Write schema.table in plain letters, digits and "_".',
    )
  }
  return {intervalMs: interval, table, limitMs: limit}
}

function bindAddress(bind: string, report: Report): string {
  const bare = bind.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) || /^[A-Za-z0-9_.-]+$/.test(bare)) return bare
  if (bare === '*') return '::'
  report.refuse(
    'bind',
    'CONFIG_VALUE',
    'is not an address or a host name',
    'Write the address alone; the port has a key of its own.',
  )
  return bind
}

/** sockaddr_un has room for 107 bytes. */
function socketPath(path: string | null, key: string, report: Report): string | null {
  if (path !== null && Buffer.byteLength(path) > 107) {
    report.refuse(
      key,
      'CONFIG_VALUE',
      'is a path of more than 107 bytes, too long for a unix socket',
      'Choose a shorter path.',
    )
  }
  return path
}
