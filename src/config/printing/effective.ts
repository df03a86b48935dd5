import {formatDuration as duration} from '../../core/duration.ts'
import type {GroupSettings, HostSettings} from '../../core/settings.ts'
import type {Config, Pem} from '../config.ts'
import {actuatorsDocument} from './effective-actuators.ts'

/** Stands for every secret. The same length for all: a length is a hint too. */
export const mask = '********'

type Document = Readonly<Record<string, unknown>>

/**
 * The configuration as it is used, in the words of the file, every default written out and every
 * secret masked.
 */
export function effective(config: Config): Document {
  const {probe, followers, availability, ssl, log} = config
  return given({
    hosts: Object.fromEntries(config.hosts.map((host) => [host.name, hostDocument(host)])),
    // Without groups in the file there is one, "all", a name that no file may use.
    ...(isImplied(config.groups)
      ? groupDocument(config.groups[0], false)
      : {groups: Object.fromEntries(config.groups.map((group) => [group.name, groupDocument(group, true)]))}),
    followers: {max_age: duration(followers.maxAgeMs), nudge: followers.nudge},
    probe: {
      interval: duration(probe.intervalMs),
      fast_interval: duration(probe.fastIntervalMs),
      timeout: duration(probe.timeoutMs),
      connect_timeout: duration(probe.connectTimeoutMs),
      max_age: duration(probe.maxAgeMs),
      knock_interval: duration(probe.knockIntervalMs),
    },
    availability: availability && {
      interval: duration(availability.intervalMs),
      table: availability.table,
      limit: duration(availability.limitMs),
    },
    bind: config.bind,
    port: config.port,
    ssl:
      ssl &&
      given({
        ...pem('cert', ssl.cert),
        ...pem('key', ssl.key),
        ...(ssl.clientCa ? pem('client_ca', ssl.clientCa) : {}),
      }),
    socket: config.socket,
    socket_group: config.socketGroup,
    control_socket: config.controlSocket,
    tokens_file: config.tokensFile,
    state_dir: config.stateDir,
    loglevel: log.level,
    logformat: log.format,
    logfile: log.file,
    v1_format: config.v1Format,
    check: {timeout: duration(config.check.timeoutMs)},
    ...actuatorsDocument(config, mask),
  })
}

function hostDocument({connection, aliases, location}: HostSettings): Document {
  const {password} = connection
  return given({
    host: connection.host,
    hostaddr: connection.hostaddr,
    port: connection.port,
    user: connection.user,
    // Not asked for: whether .pgpass has one is only known when it is needed.
    password: 'text' in password ? mask : null,
    password_file: password.from === 'password_file' ? password.path : null,
    passfile: password.from === 'pgpass' ? password.path : null,
    dbname: connection.dbname,
    sslmode: connection.sslmode,
    sslrootcert: connection.sslrootcert,
    sslcert: connection.sslcert,
    sslkey: connection.sslkey,
    sslcrl: connection.sslcrl,
    sslsni: connection.sslsni,
    application_name: connection.applicationName,
    options: connection.options,
    aliases: aliases.length > 0 ? aliases : null,
    location,
  })
}

const isImplied = (groups: readonly GroupSettings[]): groups is readonly [GroupSettings] =>
  groups.length === 1 && groups[0]?.name === 'all'

function groupDocument(group: GroupSettings, withHosts: boolean): Document {
  return given({
    hosts: withHosts ? group.hosts : null,
    confirm: group.confirm,
    on_silent: typeof group.onSilent === 'string' ? group.onSilent : {hold: duration(group.onSilent.holdMs)},
    on_split_brain: group.onSplitBrain,
    read_fallback: group.readFallback,
    system_identifier: group.systemIdentifier,
  })
}

const pem = (key: string, value: Pem): Document => ('file' in value ? {[`${key}_file`]: value.file} : {[key]: mask})

const given = (document: Document): Document =>
  Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null))
