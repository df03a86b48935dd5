import {isIP} from 'node:net'
import {dirname, join, resolve} from 'node:path'
import type {Config} from '../config.ts'
import {orAbsent} from '../reading/or-absent.ts'
import type {Report} from '../reading/report.ts'
import {integer, text} from '../reading/scalar.ts'
import type {Keys} from '../reading/section.ts'
import {describe} from '../reading/shape.ts'
import type {Context} from './context.ts'
import type {Section} from './section.ts'
import {sslShape, tlsDocument, tlsSettings} from './tls/tls.ts'

const keys = {
  bind: describe('address to listen on', text('127.0.0.1')),
  port: describe('default 8443 with ssl, else 8080', integer(null, 0, 65_535)),
  ssl: orAbsent(sslShape),
  socket: describe('unix socket for HAProxy and check', text(null)),
  socket_group: describe('group that may use the socket', text(null)),
  control_socket: describe('unix socket for commands; default control.sock beside the socket', text(null)),
  tokens_file: describe('file with the tokens that may drain and accept', text(null)),
}
type ListenSettings = Pick<Config, 'bind' | 'port' | 'ssl' | 'socket' | 'socketGroup' | 'controlSocket' | 'tokensFile'>

/** Where the API listens, and which tokens may give orders. */
export const listenSection = {
  keys,
  synonyms: {listen: 'bind', tls: 'ssl'},
  async settings(fields: Keys<typeof keys>, {directory, report}: Context): Promise<ListenSettings> {
    const at = (path: string | null) => (path === null ? null : resolve(directory, path))
    const bind = bindAddress(fields.bind, 'bind', report)
    const ssl = fields.ssl && (await tlsSettings(fields.ssl, 'ssl', {directory, report}))
    const socket = socketPath(at(fields.socket), 'socket', report)
    const beside = socket === null ? null : join(dirname(socket), 'control.sock')
    return {
      bind,
      port: fields.port ?? (ssl ? 8443 : 8080),
      ssl,
      socket,
      socketGroup: fields.socket_group,
      controlSocket: socketPath(at(fields.control_socket), 'control_socket', report) ?? beside,
      tokensFile: at(fields.tokens_file),
    }
  },
  document: ({bind, port, ssl, socket, socketGroup, controlSocket, tokensFile}) => ({
    bind,
    port,
    ssl: ssl && tlsDocument(ssl),
    socket,
    socket_group: socketGroup,
    control_socket: controlSocket,
    tokens_file: tokensFile,
  }),
} satisfies Section

/** Refuses, at `path`, what cannot be an address; `*` is every address. */
export function bindAddress(bind: string, path: string, report: Report): string {
  const bare = bind.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) || /^[A-Za-z0-9_.-]+$/.test(bare)) return bare
  if (bare === '*') return '::'
  report.refuse(
    path,
    'CONFIG_VALUE',
    `${report.quote(bind, /^[\w.:[\]*/-]{1,64}$/)}is not an address or a host name`,
    'Write the address alone. The key port holds the port.',
  )
  return bind
}

/** The longest path that sockaddr_un of Linux holds. */
const longestPath = 107

/** Refuses a path that no unix socket can have. */
export function socketPath<T extends string | null>(path: T, key: string, report: Report): T {
  const bytes = Buffer.byteLength(path ?? '')
  if (bytes > longestPath) {
    report.refuse(
      key,
      'CONFIG_VALUE',
      `is a path of ${bytes} bytes, and a unix socket takes ${longestPath}`,
      'Choose a shorter path.',
    )
  }
  return path
}
