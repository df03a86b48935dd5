import type {LocalApiSettings, LocalPatroniSettings} from '../config.ts'
import {orAbsent} from '../reading/or-absent.ts'
import {Report} from '../reading/report.ts'
import {integer, text} from '../reading/scalar.ts'
import {type Keys, named, section} from '../reading/section.ts'
import {describe, type Read} from '../reading/shape.ts'
import type {Context} from './context.ts'
import {bindAddress} from './listen.ts'
import {foundHost, namedHost} from './local-host.ts'
import type {Section} from './section.ts'
import {pairShape, tlsDocument, tlsSettings} from './tls/tls.ts'

const bind = describe('address to listen on', text('0.0.0.0'))

const patroni = section({
  bind,
  port: describe("Patroni's restapi.listen", integer(8008, 0, 65_535)),
  ssl: orAbsent(pairShape),
  local_version: describe('the version of Patroni that clients are told', text('4.1.0')),
  tags: describe("the host's tags, as in patroni.yml", named(text(''), isTag)),
})
const primgr = section({bind, port: describe('the port of primgr', integer(5999, 0, 65_535))})

const keys = {
  local: describe(
    'the host on whose machine this process runs; default: the host with an address of this machine',
    text(null),
  ),
  local_api: orAbsent(
    describe(
      'answers about the local host, for clients of another program, on ports of their own',
      section({
        patroni: orAbsent(describe("the paths of Patroni's REST API", patroni)),
        primgr: orAbsent(describe('the paths of primgr', primgr)),
      }),
    ),
  ),
}
type Fields = Keys<typeof keys> &
  Readonly<{port: number | null; ssl: object | null; agent: {port: number} | null}> &
  Readonly<{guard: object | null; rejoin: object | null}>

/** What clients of Patroni and primgr are told about the host on this machine. */
export const localApiSection = {
  keys,
  async settings(fields: Fields, {directory, hosts, report}: Context) {
    const {local, local_api: given, guard, rejoin} = fields
    if (given === null && guard === null && rejoin === null) {
      if (local !== null)
        report.warn('local', 'has no effect without local_api, guard or rejoin', 'Remove it, or add one.')
      return {local: local === null ? null : namedHost(local, hosts, report), localApi: null}
    }
    const about = given === null ? 'guard guards' : 'local_api answers about'
    // The machine of `serve` may share a file with rejoin: then no host is here, and rejoin is not run.
    const told = given === null && guard === null ? new Report() : report
    const host = local === null ? await search({hosts, report: told}, about) : namedHost(local, hosts, report)
    if (given === null) return {local: host, localApi: null}
    if (given.patroni === null && given.primgr === null && report.isClean('local_api'))
      report.refuse(
        'local_api',
        'CONFIG_MISSING',
        'names neither patroni nor primgr',
        'Write "local_api: {patroni: {}}".',
      )
    refuseSharedPorts(fields, report)
    const localApi: LocalApiSettings = {
      host: host ?? '',
      patroni: given.patroni && (await patroniSettings(given.patroni, {directory, report})),
      primgr: given.primgr && {...given.primgr, bind: bindAddress(given.primgr.bind, 'local_api.primgr.bind', report)},
    }
    return {local: host, localApi}
  },
  document: ({local, localApi}) => ({
    local,
    local_api: localApi && {
      ...(localApi.patroni && {patroni: patroniDocument(localApi.patroni)}),
      ...(localApi.primgr && {primgr: {...localApi.primgr}}),
    },
  }),
} satisfies Section

async function search({hosts, report}: Pick<Context, 'hosts' | 'report'>, about: string): Promise<string | null> {
  if (hosts.length === 0 || !report.isClean('hosts')) return null
  // Only a process with one of the two keys needs it.
  const {ownAddresses} = await import('../../system/own-addresses.ts')
  return foundHost(hosts, ownAddresses(), {report, about})
}

async function patroniSettings(
  {bind: address, port, ssl, local_version: localVersion, tags}: Read<typeof patroni>,
  around: Pick<Context, 'directory' | 'report'>,
): Promise<LocalPatroniSettings> {
  const {report} = around
  if (!/^\d{1,3}(\.\d{1,3}){2}$/.test(localVersion)) {
    const message = `${report.quote(localVersion, /^[\w.+-]{1,32}$/)}is not three numbers`
    report.refuse(
      'local_api.patroni.local_version',
      'CONFIG_VALUE',
      message,
      'Write it like 4.1.0: clients compare it.',
    )
  }
  return {
    bind: bindAddress(address, 'local_api.patroni.bind', report),
    port,
    ssl: ssl && (await tlsSettings(ssl, 'local_api.patroni.ssl', around)),
    localVersion,
    tags: Object.fromEntries(tags),
  }
}

const patroniDocument = ({bind: address, port, ssl, localVersion, tags}: LocalPatroniSettings) => ({
  bind: address,
  port,
  ...(ssl && {ssl: tlsDocument(ssl)}),
  local_version: localVersion,
  ...(Object.keys(tags).length > 0 && {tags}),
})

/** Each listener has a port of its own: another program's clients must not meet the daemon's paths. */
function refuseSharedPorts({local_api, port, ssl, agent}: Fields, report: Report): void {
  const taken = new Map([[port ?? (ssl ? 8443 : 8080), 'port']])
  if (agent !== null) taken.set(agent.port, 'agent.port')
  for (const name of ['patroni', 'primgr'] as const) {
    const asked = local_api?.[name]?.port ?? 0
    const path = `local_api.${name}.port`
    const other = taken.get(asked)
    if (asked !== 0 && other !== undefined)
      report.refuse(path, 'CONFIG_CONFLICT', `is ${asked}, and so is ${other}`, 'Give each listener a port of its own.')
    taken.set(asked, path)
  }
}

function isTag(name: string, _node: unknown, path: string, report: Report): boolean {
  if (/^[\w.-]{1,63}$/.test(name)) return true
  report.refuse(
    path,
    'CONFIG_NAME',
    'has a tag with a name that is not allowed',
    'Use letters, digits, "_", "." and "-".',
  )
  return false
}
