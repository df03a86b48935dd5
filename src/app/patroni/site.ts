import {OperatorError} from '../../core/errors.ts'
import type {PatroniSettings} from '../../core/settings.ts'
import {EtcdError} from '../../etcd/error.ts'
import type {Tls} from '../../http/connector.ts'
import {PatroniClient} from '../../patroni/client.ts'
import type {MemberAddress} from '../../patroni/discovery/discovery.ts'
import {etcdDiscovery} from '../../patroni/discovery/etcd.ts'
import {restDiscovery} from '../../patroni/discovery/rest.ts'
import type {TreeDiscovery} from '../../patroni/discovery/tree.ts'
import {PatroniError} from '../../patroni/error.ts'
import {memberUrl} from '../../patroni/transport.ts'
import {systemClock} from '../../system/clock.ts'
import {readNamed} from '../../system/named-file.ts'
import {type SqlView, sqlView} from './sql-view.ts'

export type SiteFlags = Readonly<
  Partial<
    Record<
      | 'config'
      | 'group'
      | 'scope'
      | 'namespace'
      | 'etcd-user'
      | 'etcd-password-file'
      | 'ca'
      | 'cert'
      | 'key'
      | 'user'
      | 'password-file',
      string | undefined
    >
  > & {url?: readonly string[] | undefined; etcd?: readonly string[] | undefined; 'etcd-api'?: 'v3' | 'v2' | undefined}
>

/** The cluster that the flags mean. */
export type Site = Readonly<{
  client: PatroniClient
  /** By `--url`; none by `--etcd`. */
  given: readonly MemberAddress[]
  /** By `--etcd`, or by the configuration beside its urls. */
  tree: TreeDiscovery | null
  /** By the configuration: the hosts as the daemon sees them. */
  sql: (() => Promise<SqlView>) | null
}>

/** For each question to one member or one endpoint. Two in a row stay below two seconds. */
export const questionMs = 900

/**
 * By `--url`, by `--etcd` and `--scope`, or by the configuration's group. Throws OperatorError on flags
 * that name no cluster, or a file that cannot be read.
 */
export async function siteOf(flags: SiteFlags): Promise<Site> {
  const {url: urls = [], etcd: endpoints = [], scope, namespace} = flags
  if (urls.length === 0 && endpoints.length === 0) return siteOfGroup(flags)
  if (flags.config !== undefined || flags.group !== undefined)
    throw new OperatorError('USAGE', 'the cluster is named twice', 'Give -c and --group, or --url, or --etcd.')
  const options = await optionsOf(flags, await tlsOf(flags))
  if (urls.length > 0) return explained(() => byUrls(urls, options))
  const user = flags['etcd-user']
  const password = user === undefined ? undefined : await secretIn(flags['etcd-password-file'])
  const place = {endpoints, scope: scope ?? '', namespace, api: flags['etcd-api'], user, password, tls: options.tls}
  return explained(() => byTree(etcdDiscovery({...place, clock: systemClock, timeoutMs: questionMs}), options))
}

type Options = Awaited<ReturnType<typeof optionsOf>>
async function optionsOf(flags: SiteFlags, tls: Tls | undefined) {
  const {user} = flags
  const auth = user === undefined ? undefined : {user, password: await secretIn(flags['password-file'])}
  return {tls, auth, clock: systemClock, timeoutMs: questionMs}
}

function byUrls(urls: readonly string[], options: Options): Site {
  const client = new PatroniClient({...options, discovery: restDiscovery({...options, urls})})
  return {client, given: urls.map((url) => ({url: memberUrl(url), name: null})), tree: null, sql: null}
}

const byTree = (tree: TreeDiscovery, options: Options): Site => ({
  client: new PatroniClient({...options, discovery: tree}),
  given: [],
  tree,
  sql: null,
})

async function siteOfGroup(flags: SiteFlags): Promise<Site> {
  const {patroniGroup} = await import('./group.ts')
  const {config, group, patroni} = await patroniGroup(flags.config, flags.group)
  const options = await optionsOf(flags, await tlsOf({...filesOf(patroni), ...own(flags)}))
  const tree = await treeOf(patroni)
  const sql = () => sqlView(config, group, patroni)
  // Without urls there is an etcd: the configuration was refused otherwise.
  if (patroni.urls.length === 0 && tree !== null) return {...byTree(tree, options), sql}
  return {...(await explained(() => byUrls(patroni.urls, options))), tree, sql}
}

type Files = Readonly<{caFile: string | null; certFile: string | null; keyFile: string | null}>
const filesOf = ({caFile, certFile, keyFile}: Files) => ({
  ca: caFile ?? undefined,
  cert: certFile ?? undefined,
  key: keyFile ?? undefined,
})

async function treeOf({etcd, scope, namespace}: PatroniSettings): Promise<TreeDiscovery | null> {
  if (etcd === null) return null
  const {api, endpoints, user, passwordFile} = etcd
  const password = await secretIn(passwordFile ?? undefined)
  const place = {api, endpoints, scope, namespace, tls: await tlsOf(filesOf(etcd))}
  const account = user === null ? {} : {user, password}
  return explained(() => etcdDiscovery({...place, ...account, clock: systemClock, timeoutMs: questionMs}))
}

/** A flag wins over the configuration. */
const own = ({ca, cert, key}: SiteFlags): SiteFlags => ({
  ...(ca !== undefined && {ca}),
  ...(cert !== undefined && {cert, key}),
})

async function tlsOf({ca, cert, key}: SiteFlags) {
  if (ca === undefined && cert === undefined) return undefined
  const read = async (path: string | undefined) => (path === undefined ? undefined : readNamed(path, 'FILE'))
  return {ca: await read(ca), cert: await read(cert), key: await read(key)}
}

/** One line: the password. */
const secretIn = async (path: string | undefined) =>
  path === undefined ? '' : (await readNamed(path, 'FILE')).replace(/\r?\n$/, '')

/** Patroni's and etcd's errors as the operator's: with what to do next. */
export async function explained<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof PatroniError || error instanceof EtcdError) throw operatorErrorOf(error)
    throw error
  }
}

function operatorErrorOf(error: PatroniError | EtcdError): OperatorError {
  const [code, next] = adviceFor(error)
  return new OperatorError(code, error.message, next, {cause: error})
}

function adviceFor(error: PatroniError | EtcdError): readonly ['USAGE' | 'PATRONI', string] {
  switch (error.reason) {
    case 'usage':
    case 'not-supported':
      return ['USAGE', 'Correct the flag, or name a member with --url.']
    case 'tls':
      return ['PATRONI', 'Name the authority with --ca, and your own certificate with --cert and --key.']
    case 'auth':
      return ['PATRONI', 'Name the user with --etcd-user and --etcd-password-file.']
    case 'malformed':
    case 'not-http':
    case 'too-large':
      return ['PATRONI', 'Is that the REST API of Patroni, and the port of etcd for clients?']
    default:
      return ['PATRONI', 'Check the address, and name another member with --url.']
  }
}

/** The member answers, but cannot read its DCS, or is no Patroni. */
export const notReadable = (member: string, status: number): OperatorError =>
  new OperatorError(
    'PATRONI',
    `${member} answers ${status}`,
    'Is its DCS there? "pgroute66 patroni list" shows the members.',
  )
