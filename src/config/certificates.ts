import type {GroupSettings} from '../core/settings.ts'
import type {Config, Pem, TlsSettings} from './config.ts'

/** One place of the configuration that names a certificate or authorities. */
export type ConfiguredCertificate = Readonly<{
  /** The keys that lead there: `hosts.host1.sslcert`. */
  path: string
  pem: Pem
  use: 'listener' | 'client' | 'authorities'
  /** The address that a listener binds to; `null`: another use. */
  bind: string | null
}>

/** Every certificate that the configuration names: of listeners, of this daemon as a client, and of those it trusts. */
export const configuredCertificates = (config: Config): readonly ConfiguredCertificate[] => [
  ...ofListener(config.ssl, 'ssl', config.bind),
  ...ofListener(config.localApi?.patroni?.ssl ?? null, 'local_api.patroni.ssl', config.localApi?.patroni?.bind ?? ''),
  ...ofListener(config.grpc?.tls ?? null, 'grpc.tls', config.grpc?.bind ?? ''),
  ...config.hosts.flatMap(({name, connection: {sslcert, sslrootcert}}) => [
    ...ofFile(sslcert, `hosts.${name}.sslcert`, 'client'),
    ...ofFile(sslrootcert === 'system' ? null : sslrootcert, `hosts.${name}.sslrootcert`, 'authorities'),
  ]),
  ...(config.cluster === null ? [] : ofPair(config.cluster, 'cluster')),
  ...(config.cluster === null ? [] : ofPair(config.cluster.etcd, 'cluster.etcd')),
  ...once(config.groups.flatMap(ofGroup)),
]

function ofListener(tls: TlsSettings | null, path: string, bind: string): readonly ConfiguredCertificate[] {
  if (tls === null) return []
  const {cert, clientCa} = tls
  const keyed = (pem: Pem, key: string) => ('file' in pem ? `${path}.${key}_file` : `${path}.${key}`)
  return [
    {path: keyed(cert, 'cert'), pem: cert, use: 'listener', bind},
    ...(clientCa === null
      ? []
      : [{path: keyed(clientCa, 'client_ca'), pem: clientCa, use: 'authorities', bind: null} as const]),
  ]
}

const ofFile = (file: string | null, path: string, use: 'client' | 'authorities'): readonly ConfiguredCertificate[] =>
  file === null ? [] : [{path, pem: {file}, use, bind: null}]

const ofGroup = ({patroni, peers, witness}: GroupSettings): readonly ConfiguredCertificate[] => [
  ...(patroni === null ? [] : ofPair(patroni, 'patroni')),
  ...(patroni?.etcd ? ofPair(patroni.etcd, 'patroni.etcd') : []),
  ...[...peers, ...(witness === null ? [] : [witness])].flatMap((peer) => ofPair(peer, `the peer ${peer.url}`)),
]

const ofPair = ({certFile, caFile}: Readonly<{certFile: string | null; caFile: string | null}>, at: string) => [
  ...ofFile(certFile, at.startsWith('the ') ? `cert_file of ${at}` : `${at}.cert_file`, 'client'),
  ...ofFile(caFile, at.startsWith('the ') ? `ca_file of ${at}` : `${at}.ca_file`, 'authorities'),
]

/** Groups share what the top level of the file names. */
const once = (all: readonly ConfiguredCertificate[]): readonly ConfiguredCertificate[] => [
  ...new Map(all.map((one) => [`${one.path} ${'file' in one.pem ? one.pem.file : ''}`, one])).values(),
]
