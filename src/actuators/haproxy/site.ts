import {isIP} from 'node:net'
import type {ActuatorSettings, HaproxyInstance} from '../../core/actuator-settings.ts'
import {OperatorError} from '../../core/errors.ts'
import {lagAdvice, parseLag} from '../../core/limits.ts'
import type {PoolRole} from '../../core/offers/pools.ts'
import type {ConnectionSettings, GroupSettings, HostSettings, MonitorSettings} from '../../core/settings.ts'
import {externalInterMs, type HaproxyFile, type HaproxyFileBackend, type HaproxyStyle} from './cfg.ts'
import type {ServeEndpoint, ServeTls} from './daemon-sections.ts'

/** The configuration that a haproxy.cfg depends on. `ssl`: `null` when the API speaks plain HTTP. */
export type SiteConfig = Pick<MonitorSettings, 'hosts' | 'groups'> &
  Pick<ActuatorSettings, 'haproxy' | 'agent'> &
  Readonly<{bind: string; port: number; ssl: object | null; check: Readonly<{timeoutMs: number}>}>

export type SiteRequest = Readonly<{
  style: HaproxyStyle
  /**
   * Where HAProxy reaches `serve`: `host`, or `host:port` of its API. `undefined`: as in the
   * configuration.
   */
  daemon: string | undefined
  /** File with the certificates that signed the API's certificate. */
  ca: string | undefined
  maxLag: string | undefined
  /** The stats socket of the instance that the file is for. */
  instance: string | undefined
}>

/**
 * The content of a haproxy.cfg for this configuration, and warnings about the rest of the setup.
 * Throws OperatorError where no such file can be made.
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
  throw new OperatorError('USAGE', `--max-lag has no effect in style ${style}`, 'Use style agent or httpchk.')
}

function instanceOf({haproxy}: SiteConfig, {instance}: SiteRequest): HaproxyInstance | undefined {
  if (instance === undefined) return haproxy.instances[0]
  const found = haproxy.instances.find(({socket}) => socket === instance)
  if (found !== undefined) return found
  const known = haproxy.instances.map(({socket}) => socket).join(', ') || 'none'
  throw new OperatorError('USAGE', `haproxy.instances has no "${instance}"`, `Instances: ${known}.`)
}

/** What the operator has to do beside the file. */
function warningsOf(
  {style, backends, socket}: HaproxyFile,
  {haproxy, agent, check, groups}: SiteConfig,
): readonly string[] {
  const roles = backends.map(({name, role}) => `${name}: ${role}`).join(', ')
  const fallsToAny = groups.some(({readFallback}) => readFallback === 'any')
  const polled = fallsToAny
    ? ['this style does not know "read_fallback: any": readers fall back to the primary only']
    : []
  switch (style) {
    case 'push':
      return haproxy.instances.length > 0
        ? []
        : [
            [
              'the configuration pushes to no HAProxy:',
              `add "haproxy: {backends: {${roles}}, instances: [{socket: ${socket}}]}"`,
            ].join(' '),
          ]
    case 'agent':
      return agent === null ? ['the configuration has no agent: add "agent: {port: 8009}"'] : []
    case 'httpchk':
      return polled
    case 'external':
      return [
        'do not add "chroot" (the haproxy.cfg of Debian has it): HAProxy would never run an external check',
        ...(check.timeoutMs < externalInterMs
          ? []
          : [
              [
                `HAProxy ends a check after ${externalInterMs / 1000} s, and check.timeout is ${check.timeoutMs} ms:`,
                'set "check: {timeout: 800ms}"',
              ].join(' '),
            ]),
        ...(backends.some(({role}) => role === 'read-only')
          ? ['in this style a read-only backend uses standbys, and the primary only when no standby serves']
          : []),
        ...polled,
      ]
  }
}

/**
 * The configured backends, or a pair per group. With several groups the name of a backend begins
 * with the name of its group.
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
    const next = `With several groups, begin its name with one of ${groups.map((group) => group.name).join(', ')}.`
    throw new OperatorError('HAPROXY_BACKEND', `backend "${name}" belongs to no group`, next)
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
  // Without init-addr, a name that cannot be resolved would keep HAProxy from starting.
  return isIP(address) === 4 ? `${address}:${port}` : `${address}:${port} init-addr last,libc,none`
}

function apiOf({bind, port, ssl}: SiteConfig, {daemon, ca, style}: SiteRequest): ServeEndpoint {
  const given = daemon === undefined ? null : endpointOf(daemon)
  const address = reachable(bind, daemon)
  const peer = {address, port: given?.port ?? port}
  if (peer.port === 0 && (style === 'push' || style === 'httpchk'))
    throw new OperatorError(
      'USAGE',
      'port is 0, so the port of serve is not known in advance',
      'Set port, or add --daemon HOST:PORT.',
    )
  return {...peer, tls: ssl === null ? null : tlsTo(address, ca)}
}

/**
 * HAProxy verifies the certificate wherever another process could answer in place of the daemon.
 * HAProxy compares names, not addresses.
 */
function tlsTo(address: string, ca: string | undefined): ServeTls {
  const isLocal = address === 'localhost' || address === '::1' || address.startsWith('127.')
  const name = isIP(address) === 0 && address !== 'localhost' ? address : null
  if (ca !== undefined) return {verify: `required ca-file ${escaped(ca)}`, name}
  if (isLocal) return {verify: 'none', name: null}
  if (name !== null) return {verify: 'required ca-file @system-ca', name}
  const next = 'Add --ca FILE with the certificate that signed it, or --daemon NAME.'
  throw new OperatorError('USAGE', `HAProxy cannot verify the certificate of serve at ${address}`, next)
}

/** The address that HAProxy connects to: `--daemon`, else `bind`, and this machine for "everywhere". */
function reachable(bind: string, daemon: string | undefined): string {
  if (daemon !== undefined) return endpointOf(daemon).address
  return bind === '0.0.0.0' || bind === '::' ? '127.0.0.1' : bind
}

function endpointOf(text: string): Readonly<{address: string; port: number | null}> {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = bracketed ?? plain ?? (isIP(text) === 6 ? text : null)
  if (address === null)
    throw new OperatorError('USAGE', `--daemon "${text}" is not an address`, 'Write HOST or HOST:PORT.')
  return {address, port: port === undefined ? null : Number(port)}
}

/** A path as one word of a haproxy.cfg. */
const escaped = (path: string): string => path.replace(/[\s"'\\#]/g, '\\$&')
