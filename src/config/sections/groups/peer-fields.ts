import {resolve} from 'node:path'
import {OperatorError} from '../../../core/errors.ts'
import type {PeerSettings} from '../../../core/settings.ts'
import {alternative} from '../../reading/alternative.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import {scalar, text} from '../../reading/scalar.ts'
import {list, section} from '../../reading/section.ts'
import {describe, type Read, type Shape} from '../../reading/shape.ts'
import {isMapping} from '../../reading/yaml-node.ts'
import {type Document, given} from '../document.ts'

/** What each scheme of a peer's URL means. */
const peerKinds = {
  'https:': 'pgroute66',
  'http:': 'pgroute66',
  'grpc:': 'grpc',
  'primgr:': 'primgr',
} as const satisfies Readonly<Record<string, PeerSettings['kind']>>

const advice = 'Write https://HOST:PORT of another pgroute66; grpc:// for its gRPC or harepd, primgr:// for primgr.'
const unsuitable = (message: string) => new OperatorError('CONFIG_VALUE', message, advice)

/** No message quotes the URL: a misplaced password may stand in it. */
function peerUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null
  if (url === null || !Object.hasOwn(peerKinds, url.protocol)) throw unsuitable('is not the URL of a peer')
  if (url.username !== '' || url.password !== '') throw unsuitable('is a URL with a user or a password')
  if (url.hostname === '') throw unsuitable('is a URL without a host')
  if (!/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    throw unsuitable('is a URL with more than a host and a port')
  return `${url.protocol}//${url.host}`
}

const urlOf = scalar<string | null>(null, {type: 'string', format: 'uri'}, peerUrl)

const mapping = section(
  {
    url: describe(
      'as https://lb2:8443, or grpc://HOST:10000 (a guard); harepd by grpc:// and primgr://HOST:5999 only deny',
      urlOf,
    ),
    ca_file: describe("file with the authorities that sign the peer's certificate; default: the system's", text(null)),
    cert_file: describe('file with the client certificate that the peer gets', text(null)),
    key_file: describe('file with its private key', text(null)),
    token_file: describe('file with a bearer token, for what stands in front of the peer', text(null)),
    server_name: describe("the name that the peer's certificate must carry; default: the host of url", text(null)),
  },
  {synonyms: {address: 'url', ca: 'ca_file', cert: 'cert_file', key: 'key_file', token: 'token_file'}},
)
type PeerMapping = Read<typeof mapping>

/** With its path, to report later what is missing. */
const located = <T>(shape: Shape<T>): Shape<T & Readonly<{path: string}>> => ({
  absent: {...shape.absent, path: ''},
  schema: shape.schema,
  read: (node, path, report) => ({...shape.read(node, path, report), path}),
})

const bare: Shape<PeerMapping> = {
  absent: mapping.absent,
  schema: urlOf.schema,
  read: (node, path, report) => ({...mapping.absent, url: urlOf.read(node, path, report)}),
}

const peer = located(alternative((node) => !isMapping(node), bare, mapping))
export type PeerFields = Read<typeof peer>

export const peerFields = {
  peers: describe(
    'other pgroute66 that are asked whom they see as primary, for confirm: [peers]',
    orAbsent(list(peer)),
  ),
  witness: describe('one more of them, which counts only where the number of hosts is even', orAbsent(peer)),
}

/** `null`: it has no URL, which is or will be reported. */
export function peerOf({url, ...files}: PeerFields, directory: string): PeerSettings | null {
  if (url === null) return null
  const at = (path: string | null) => (path === null ? null : resolve(directory, path))
  return {
    kind: peerKinds[new URL(url).protocol as keyof typeof peerKinds],
    url,
    caFile: at(files.ca_file),
    certFile: at(files.cert_file),
    keyFile: at(files.key_file),
    tokenFile: at(files.token_file),
    serverName: files.server_name,
  }
}

/** As it was written: a bare URL where there is no more to say. */
export function peerDocument({url, caFile, certFile, keyFile, tokenFile, serverName}: PeerSettings): string | Document {
  const files = {
    ca_file: caFile,
    cert_file: certFile,
    key_file: keyFile,
    token_file: tokenFile,
    server_name: serverName,
  }
  const more = given(files)
  return Object.keys(more).length === 0 ? url : {url, ...more}
}
