import {isIP} from 'node:net'
import type {ActuatorSettings, HaproxyInstance} from '../../core/actuator-settings.ts'
import {OperatorError} from '../../core/errors.ts'
import {lagAdvice, parseLag} from '../../core/limits.ts'
import type {PoolRole} from '../../core/offers/pools.ts'
import type {ConnectionSettings, GroupSettings, HostSettings, MonitorSettings} from '../../core/settings.ts'
import {
  externalInterMs,
  type HaproxyFile,
  type HaproxyFileBackend,
  type HaproxyStyle,
  type ServeEndpoint,
} from './cfg.ts'

/** What of the configuration a haproxy.cfg is made of. `ssl`: whether the API speaks TLS. */
export type SiteConfig = Pick<MonitorSettings, 'hosts' | 'groups'> &
  Pick<ActuatorSettings, 'haproxy' | 'agent'> &
  Readonly<{bind: string; port: number; ssl: object | null; check: Readonly<{timeoutMs: number}>}>

export type SiteRequest = Readonly<{
  style: HaproxyStyle
  /**
   * Where HAProxy reaches `serve`: `host`, or `host:port` of its API. `undefined`: as the
   * configuration says.
   */
  daemon: string | undefined
  /** Certificates that the API's is signed by. */
  ca: string | undefined
  maxLag: string | undefined
  /** The stats socket of the instance that the file is for. */
  instance: string | undefined
}>

/**
 * What stands in a haproxy.cfg for this configuration, and what has to be said beside it. Throws
 * OperatorError where there is none.
 */
export function haproxySite(
  config: SiteConfig,
  request: SiteRequest,
): Readonly<{file: HaproxyFile; warnings: readonly string[]}> {
  const {style, daemon} = request
  const {agent} = config
  const instance = instanceOf(config, request)
  const file: HaproxyFile = {
    style,
    backends: backendsOf(instance?.backends ?? config.haproxy.backends, config, style),
    api: apiOf(config, request),
    agent: {address: reachable(agent?.bind ?? '127.0.0.1', daemon), port: agent?.port ?? 8009, tls: null},
    socket: escaped(instance?.socket ?? '/run/haproxy/admin.sock'),
    maxLag: limitFor(request),
  }
  return {file, warnings: warningsOf(file, config)}
}

function limitFor({style, maxLag}: SiteRequest): string | null {
  if (maxLag === undefined) return null
  if (parseLag(maxLag, 'refused') === null)
    throw new OperatorError('USAGE', `--max-lag "${maxLag}" is neither a size nor a duration`, lagAdvice)
  // A word of haproxy.cfg: "16 MB" would be two.
  if (style === 'agent' || style === 'httpchk') return maxLag.replaceAll(/\s/g, '')
  throw new OperatorError(
    'USAGE',
    `--max-lag is not for style ${style}, which carries no limit`,
    'Use style agent or httpchk.',
  )
}

function instanceOf({haproxy}: SiteConfig, {instance}: SiteRequest): HaproxyInstance | undefined {
  if (instance === undefined) return haproxy.instances[0]
  const found = haproxy.instances.find(({socket}) => socket === instance)
  if (found !== undefined) return found
  const known = haproxy.instances.map(({socket}) => socket).join(', ') || 'none'
  throw new OperatorError('USAGE', `haproxy.instances has no "${instance}"`, `There is ${known}.`)
}

/** What the file alone does not do. */
function warningsOf(
  {style, backends, socket}: HaproxyFile,
  {haproxy, agent, check, groups}: SiteConfig,
): readonly string[] {
  const roles = backends.map(({name, role}) => `${name}: ${role}`).join(', ')
  const fallsToAny = groups.some(({readFallback}) => readFallback === 'any')
  const polled = fallsToAny ? ['read_fallback: any is not for this style: readers fall back to the primary alone'] : []
  switch (style) {
    case 'push':
      return haproxy.instances.length > 0
        ? []
        : [
            `the configuration pushes to no HAProxy: add "haproxy: {backends: {${roles}}, instances: [{socket: ${socket}}]}"`,
          ]
    case 'agent':
      return agent === null ? ['the configuration has no agent: add "agent: {port: 8009}"'] : []
    case 'httpchk':
      return polled
    case 'external':
      return [
        'under "chroot" (the haproxy.cfg of Debian has one) HAProxy never runs an external check: this file must stay without',
        ...(check.timeoutMs < externalInterMs
          ? []
          : [
              `HAProxy ends a check after ${externalInterMs / 1000} s, and check.timeout is not below: set "check: {timeout: 800ms}"`,
            ]),
        ...(backends.some(({role}) => role === 'read-only')
          ? ['in this style a read-only backend has standbys, and the primary where there is none']
          : []),
        ...polled,
      ]
  }
}

/**
 * As configured, else a pair for each group. With several groups, the name of a backend begins with
 * that of its group.
 */
function backendsOf(
  roles: Readonly<Record<string, PoolRole>>,
  {groups, hosts}: SiteConfig,
  style: HaproxyStyle,
): readonly HaproxyFileBackend[] {
  const isOne = groups.length === 1
  const groupOf = (name: string): GroupSettings => {
    const longest = groups
      .filter((group) => isOne || name.startsWith(group.name))
      .sort((a, b) => b.name.length - a.name.length)[0]
    if (longest !== undefined) return longest
    const next = `Begin its name with one of ${groups.map((group) => group.name).join(', ')}.`
    throw new OperatorError('HAPROXY_BACKEND', `backend "${name}" belongs to no group, and there are several`, next)
  }
  const given = Object.entries(roles).map(([name, role]) => ({name, role, group: groupOf(name)}))
  const pair = (group: GroupSettings) => [
    {name: `${isOne ? 'pg' : group.name}_write`, role: 'primary' as const, group},
    {name: `${isOne ? 'pg' : group.name}_read`, role: 'replica' as const, group},
  ]
  const all = given.length > 0 ? given : groups.flatMap(pair)
  const isPolled = style === 'httpchk' || style === 'external'
  return all.map(({name, role, group}, index) => {
    const writers = all.find((other) => other.group === group && other.role === 'primary')
    const fallsBack = isPolled && role !== 'primary' && group.readFallback !== 'none'
    return {
      name,
      role,
      bind: `:${5000 + index}`,
      servers: hosts.filter((host) => group.hosts.includes(host.name)).map(serverOf),
      fallback: fallsBack ? (writers?.name ?? null) : null,
    }
  })
}

const serverOf = ({name, connection}: HostSettings) => ({name, address: addressOf(connection)})

function addressOf({host, hostaddr, port}: ConnectionSettings): string {
  if (hostaddr === null && host.startsWith('/')) return `unix@${host}/.s.PGSQL.${port}`
  const address = hostaddr ?? host
  if (isIP(address) === 6) return `[${address}]:${port}`
  // A name that cannot be resolved would keep HAProxy from starting at all.
  return isIP(address) === 4 ? `${address}:${port}` : `${address}:${port} init-addr last,libc,none`
}

function apiOf({bind, port, ssl}: SiteConfig, {daemon, ca, style}: SiteRequest): ServeEndpoint {
  const given = daemon === undefined ? null : endpointOf(daemon)
  const address = reachable(bind, daemon)
  const peer = {address, port: given?.port ?? port}
  if (peer.port === 0 && (style === 'push' || style === 'httpchk'))
    throw new OperatorError(
      'USAGE',
      'port is 0: nobody knows where serve will listen',
      'Set port, or say --daemon HOST:PORT.',
    )
  return {...peer, tls: ssl === null ? null : tlsTo(address, ca)}
}

/**
 * A certificate is looked at wherever somebody else could answer in the daemon's place. HAProxy
 * compares names, not addresses.
 */
function tlsTo(address: string, ca: string | undefined): string {
  const isLocal = address === 'localhost' || address === '::1' || address.startsWith('127.')
  const isName = isIP(address) === 0 && address !== 'localhost'
  const name = isName ? ` check-sni ${address} verifyhost ${address}` : ''
  if (ca !== undefined) return `check-ssl verify required ca-file ${escaped(ca)}${name}`
  if (isLocal) return 'check-ssl verify none'
  if (isName) return `check-ssl verify required ca-file @system-ca${name}`
  const next = 'Say --ca FILE, with the certificate that signed it, or --daemon NAME.'
  throw new OperatorError('USAGE', `the certificate of serve at ${address} cannot be judged`, next)
}

/**
 * An address to listen on, as others see it: "everywhere" is on this machine, unless it was said
 * where.
 */
function reachable(bind: string, daemon: string | undefined): string {
  if (daemon !== undefined) return endpointOf(daemon).address
  return bind === '0.0.0.0' || bind === '::' ? '127.0.0.1' : bind
}

function endpointOf(text: string): Readonly<{address: string; port: number | null}> {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = bracketed ?? plain ?? (isIP(text) === 6 ? text : null)
  if (address === null) throw new OperatorError('USAGE', `--daemon "${text}" is no address`, 'Write HOST or HOST:PORT.')
  return {address, port: port === undefined ? null : Number(port)}
}

/** A path, as one word of HAProxy's. */
const escaped = (path: string): string => path.replace(/[\s"'\\#]/g, '\\$&')
