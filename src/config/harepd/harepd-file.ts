import {isIP, isIPv4} from 'node:net'
import {resolve} from 'node:path'
import {orAbsent} from '../reading/or-absent.ts'
import type {Report} from '../reading/report.ts'
import {flag, integer, text} from '../reading/scalar.ts'
import {list} from '../reading/section.ts'
import type {Read} from '../reading/shape.ts'
import {lenient} from './lenient.ts'

const largestInt16 = 32_767

const tls = lenient({enabled: flag(false), ca: text(null), cert: text(null), key: text(null)})
const grpc = lenient({
  tls: orAbsent(tls),
  bindPort: integer(0, 0, 65_535),
  bindAddress: text(null),
  serverHostOverride: text(null),
  neighbours: list(text('')),
  witness: text(null),
  connectionDeadline: integer(0, 0, 3_600),
  // Not below `tls`, as harepd's README has them: there they have no effect.
  enabled: orAbsent(flag(null)),
  ca: text(null),
  cert: text(null),
  key: text(null),
})

/** harepd's own configuration, as its code reads it (yaml.v2, not strict). */
export const harepdShape = lenient({
  harepd: orAbsent(
    lenient({
      nodeName: text(null),
      primaryIP: text(null),
      // The README's spelling.
      primaryIp: text(null),
      allowRO: flag(false),
      hbaConfig: text(null),
      watchDog: integer(0, 0, 86_400),
      logs: orAbsent(
        lenient({filePath: text(null), maxAge: integer(null, 0, 2 ** 40), rotationTime: integer(null, 0, 2 ** 40)}),
      ),
      haproxy: orAbsent(
        lenient({
          server: list(text('')),
          users: orAbsent(lenient({readOnly: text(null), readWrite: text(null)})),
        }),
      ),
      authModes: orAbsent(lenient({allow: text(null), deny: text(null)})),
      repmgr: orAbsent(lenient({user: text(null), db: text(null)})),
      gRPC: orAbsent(grpc),
    }),
  ),
})
type Fields = NonNullable<Read<typeof harepdShape>['harepd']>

/** The files of harepd's TLS; the client has no certificate of its own. */
export type HarepdTls = Readonly<{caFile: string; certFile: string; keyFile: string}>

/** What the file says, checked. Addresses are IPs; neighbours and witness are `HOST:PORT`. */
export type HarepdFile = Readonly<{
  nodeName: string
  /** `null`: not given. */
  primaryIp: string | null
  hbaFile: string
  servers: readonly string[]
  readWrite: string
  /** `null`: not gated. */
  readOnly: string | null
  allow: string
  deny: string
  database: string
  bind: string
  port: number
  neighbours: readonly string[]
  witness: string | null
  /** The name in the neighbours' certificates; `null`: their address. */
  serverName: string | null
  /** `null`: in the clear. */
  tls: HarepdTls | null
  deadlineMs: number
  watchDogMs: number
  logFile: string | null
}>

/**
 * `read`: by `harepdShape`. `null`: something is refused, and reported. Relative paths are relative
 * to `directory`.
 */
export function harepdFile(
  {harepd}: Read<typeof harepdShape>,
  {directory, report}: Readonly<{directory: string; report: Report}>,
): HarepdFile | null {
  if (harepd === null) {
    if (report.isClean('harepd'))
      report.refuse(
        'harepd',
        'CONFIG_MISSING',
        'is missing: this is no configuration of harepd',
        'Use -c for a file of pgroute66.',
      )
    return null
  }
  const {gRPC = null, haproxy, authModes, repmgr, logs} = harepd
  const at = (path: string) => resolve(directory, path)
  const need = needer(report)
  const {readOnly, readWrite} = haproxy?.users ?? {readOnly: null, readWrite: null}
  const file: HarepdFile = {
    nodeName: need(harepd.nodeName, 'nodeName', 'Write the node_name of repmgr.conf.'),
    primaryIp: primaryIpOf(harepd, report),
    hbaFile: at(need(harepd.hbaConfig, 'hbaConfig', 'Write the path of pg_hba.conf.')),
    servers: serversOf(haproxy?.server ?? [], report),
    readWrite: need(readWrite, 'haproxy.users.readWrite', "Write the user of HAProxy's check for writers."),
    readOnly: harepd.allowRO ? need(readOnly, 'haproxy.users.readOnly', 'Write it, or set allowRO: false.') : null,
    ...modesOf(authModes ?? {allow: null, deny: null}, report),
    database: need(repmgr?.db ?? null, 'repmgr.db', 'Write the database of repmgr.'),
    bind: gRPC?.bindAddress || '0.0.0.0',
    port: portOf(gRPC?.bindPort ?? 0, report),
    neighbours: (gRPC?.neighbours ?? []).flatMap((each, index) => neighbourOf(each, index, report) ?? []),
    witness: witnessOf(gRPC?.witness ?? null, report),
    serverName: gRPC?.serverHostOverride || null,
    tls: tlsOf(gRPC, at, report),
    deadlineMs: secondsOf(gRPC?.connectionDeadline ?? 0, 'gRPC.connectionDeadline', report),
    watchDogMs: secondsOf(harepd.watchDog, 'watchDog', report),
    logFile: logs?.filePath ? at(logs.filePath) : null,
  }
  if (file.neighbours.length === 0 && report.isClean('harepd.gRPC'))
    report.refuse(
      'harepd.gRPC.neighbours',
      'CONFIG_MISSING',
      'names no neighbour',
      'Write - "HOST:PORT" for each other node.',
    )
  return report.problems.length === 0 ? file : null
}

const needer =
  (report: Report) =>
  (value: string | null, key: string, next: string): string => {
    const path = `harepd.${key}`
    if (value === null && report.isClean(path)) report.refuse(path, 'CONFIG_MISSING', 'is missing', next)
    return value ?? ''
  }

function primaryIpOf({primaryIP, primaryIp}: Fields, report: Report): string | null {
  if (primaryIp !== null && primaryIP === null) {
    const message = 'is not the key that harepd reads, which is primaryIP: harepd with this file opens on no host'
    report.warn('harepd.primaryIp', message, 'Write primaryIP. The guard takes the value as if it stood there.')
  } else if (primaryIp !== null) {
    report.warn('harepd.primaryIp', 'is a key that harepd does not read', 'Remove it: primaryIP is given.')
  }
  const given = primaryIP ?? primaryIp
  if (given === null || isIPv4(given)) return given
  report.refuse(
    'harepd.primaryIP',
    'CONFIG_VALUE',
    'is not an IPv4 address',
    "Write the address of this node in repmgr's conninfo.",
  )
  return null
}

function modesOf(
  {allow, deny}: NonNullable<Fields['authModes']>,
  report: Report,
): Readonly<{allow: string; deny: string}> {
  const need = needer(report)
  if (allow !== null && (!/^[a-z][a-z0-9-]*$/.test(allow) || allow === 'reject'))
    report.refuse(
      'harepd.authModes.allow',
      'CONFIG_VALUE',
      'is not a method that lets users in',
      'Write md5 or scram-sha-256.',
    )
  if (deny !== null && deny !== 'reject')
    report.refuse('harepd.authModes.deny', 'CONFIG_VALUE', 'is a method that may let users in', 'Write reject.')
  return {
    allow: need(allow, 'authModes.allow', 'Write md5 or scram-sha-256.'),
    deny: need(deny, 'authModes.deny', 'Write reject.'),
  }
}

function serversOf(servers: readonly string[], report: Report): readonly string[] {
  if (servers.length === 0 && report.isClean('harepd.haproxy'))
    report.refuse('harepd.haproxy.server', 'CONFIG_MISSING', 'names no address', 'Write - "ADDRESS" for each HAProxy.')
  for (const [index, server] of servers.entries()) {
    const path = `harepd.haproxy.server[${index}]`
    if (isIP(server) === 0)
      report.refuse(path, 'CONFIG_VALUE', 'is not an address', 'Write the address of HAProxy, without a mask.')
    else if (!isIPv4(server)) {
      const message = 'is IPv6, behind which harepd writes /32: a whole network'
      report.warn(path, message, 'The guard writes /128: this address alone.')
    }
  }
  return servers
}

/** yaml.v2 reads the number into an int16. */
function portOf(port: number, report: Report): number {
  if (port > largestInt16)
    report.warn(
      'harepd.gRPC.bindPort',
      `is ${port}, at which harepd itself does not start`,
      `Keep it below ${largestInt16 + 1} while harepd may run again.`,
    )
  if (port === 0 && report.isClean('harepd.gRPC'))
    report.refuse('harepd.gRPC.bindPort', 'CONFIG_MISSING', 'is missing', 'Write bindPort: 10000.')
  return port
}

const endpoint = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})$/
const isEndpoint = (text: string) =>
  Number(endpoint.exec(text)?.[1] ?? 0) > 0 && Number(endpoint.exec(text)?.[1]) <= 65_535

function neighbourOf(text: string, index: number, report: Report): string | null {
  if (isEndpoint(text)) return text
  const path = `harepd.gRPC.neighbours[${index}]`
  report.refuse(
    path,
    'CONFIG_VALUE',
    `${report.quote(text, /^[\w.-]{1,64}$/)}is not HOST:PORT: harepd never reaches it`,
    'Write it like 10.21.57.61:10000.',
  )
  return null
}

/**
 * harepd's own sample has no port there. The witness only breaks ties, so the rest still decides.
 */
function witnessOf(text: string | null, report: Report): string | null {
  if (text === null || isEndpoint(text)) return text
  const message = 'is not HOST:PORT: harepd never reaches this witness, and the guard does not ask it'
  report.warn('harepd.gRPC.witness', message, 'Write it like 10.21.57.63:10000.')
  return null
}

const siblings = ['enabled', 'ca', 'cert', 'key'] as const

/**
 * Where TLS is asked for in a place in which harepd does not look, nothing may be spoken in the
 * clear unseen.
 */
function tlsOf(grpc: Fields['gRPC'], at: (path: string) => string, report: Report): HarepdTls | null {
  if (grpc === null) return null
  const beside = siblings.filter((key) => grpc[key] !== null)
  if (beside.length > 0 && grpc.enabled === true) {
    const message = 'stands beside tls, not below it: harepd does not read it, and speaks in the clear'
    const next = 'Indent enabled, ca, cert and key below tls; or write enabled: false to stay in the clear.'
    report.refuse('harepd.gRPC.enabled', 'CONFIG_CONFLICT', message, next)
    return null
  }
  if (beside.length > 0) {
    const where = `stands beside tls, not below it (${beside.join(', ')})`
    const message = `${where}: harepd speaks in the clear, and so does the guard`
    report.warn(`harepd.gRPC.${beside[0]}`, message, 'Indent them below tls, with enabled: true, for TLS.')
  }
  if (grpc.tls === null || !grpc.tls.enabled) return null
  const {ca, cert, key} = grpc.tls
  for (const [name, value] of Object.entries({ca, cert, key}))
    if (value === null && report.isClean(`harepd.gRPC.tls.${name}`))
      report.refuse(`harepd.gRPC.tls.${name}`, 'CONFIG_MISSING', 'is missing', 'Name the file, or set enabled: false.')
  return {caFile: at(ca ?? ''), certFile: at(cert ?? ''), keyFile: at(key ?? '')}
}

function secondsOf(seconds: number, key: string, report: Report): number {
  const path = `harepd.${key}`
  if (seconds > largestInt16)
    report.warn(path, `is ${seconds}, at which harepd itself does not start`, `Keep it below ${largestInt16 + 1}.`)
  if (seconds > 0) return seconds * 1_000
  if (report.isClean(path))
    report.warn(
      path,
      'is 0 or missing, with which harepd itself does not work',
      'Write a number of seconds. The guard takes 1.',
    )
  return 1_000
}
