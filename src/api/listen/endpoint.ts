import type {Config, GrpcSettings, TlsSettings} from '../../config/config.ts'
import type {ListenerKind} from './socket-activation.ts'

/**
 * Where to listen. Two endpoints with equal keys are the same one, which stays open over a reload;
 * everything that is not in the key may change meanwhile.
 */
export type Endpoint = Readonly<{
  kind: ListenerKind
  key: string
  at: Readonly<{fd: number} | {host: string; port: number} | {path: string; group: string | null; isPrivate: boolean}>
  /** `mutual` also asks for client certificates. Cannot be changed while the endpoint is open. */
  tls: 'none' | 'server' | 'mutual'
  /** Not in the key: open endpoints get a new certificate. `null`: no TLS. */
  ssl: TlsSettings | null
}>

/** One endpoint. `spoken`: its TLS; `null`: none. */
function endpointOf(kind: ListenerKind, at: Endpoint['at'], spoken: TlsSettings | null = null): Endpoint {
  const tls = spoken === null ? 'none' : spoken.clientCa === null ? 'server' : 'mutual'
  return {kind, at, tls, ssl: spoken, key: JSON.stringify([kind, at, tls])}
}

export const grpcEndpoint = ({bind: host, port, tls}: GrpcSettings): Endpoint => endpointOf('grpc', {host, port}, tls)

/** Where the configuration has the keys of an endpoint; empty: at the top. */
export const sectionOf = (kind: ListenerKind): string =>
  kind === 'patroni' || kind === 'primgr' ? `local_api.${kind}` : kind === 'grpc' ? 'grpc' : ''

/** The endpoints of the configuration. A socket from systemd (`inherited`) keeps its address. */
export function endpointsOf(config: Config, inherited: ReadonlyMap<ListenerKind, number>): readonly Endpoint[] {
  const {bind: host, port, ssl, socket, socketGroup: group, controlSocket, localApi, grpc} = config
  const endpoint = (kind: ListenerKind, at: Endpoint['at'], spoken: TlsSettings | null = null): Endpoint => {
    const fd = inherited.get(kind)
    return endpointOf(kind, fd === undefined ? at : {fd}, spoken)
  }
  const {patroni = null, primgr = null} = localApi ?? {}
  return [
    endpoint('http', {host, port}, ssl),
    ...(socket === null && !inherited.has('socket')
      ? []
      : [endpoint('socket', {path: socket ?? '', group, isPrivate: false})]),
    ...(controlSocket === null && !inherited.has('control')
      ? []
      : [endpoint('control', {path: controlSocket ?? '', group: null, isPrivate: true})]),
    ...(patroni === null ? [] : [endpoint('patroni', {host: patroni.bind, port: patroni.port}, patroni.ssl)]),
    ...(primgr === null ? [] : [endpoint('primgr', {host: primgr.bind, port: primgr.port})]),
    ...(grpc === null ? [] : [endpoint('grpc', {host: grpc.bind, port: grpc.port}, grpc.tls)]),
  ]
}

/** True where the two cannot be open at the same time. */
export const collides = (one: Endpoint, other: Endpoint): boolean =>
  ('port' in one.at && 'port' in other.at && one.at.port === other.at.port && one.at.port !== 0) ||
  ('path' in one.at && 'path' in other.at && one.at.path === other.at.path) ||
  ('fd' in one.at && 'fd' in other.at && one.at.fd === other.at.fd)
