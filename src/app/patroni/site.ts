import {OperatorError} from '../../core/errors.ts'
import {EtcdError} from '../../etcd/error.ts'
import {PatroniClient} from '../../patroni/client.ts'
import type {MemberAddress} from '../../patroni/discovery/discovery.ts'
import {etcdDiscovery} from '../../patroni/discovery/etcd.ts'
import {restDiscovery} from '../../patroni/discovery/rest.ts'
import type {TreeDiscovery} from '../../patroni/discovery/tree.ts'
import {PatroniError} from '../../patroni/error.ts'
import {memberUrl} from '../../patroni/transport.ts'
import {systemClock} from '../../system/clock.ts'
import {readNamed} from '../../system/named-file.ts'

export type SiteFlags = Readonly<
  Partial<
    Record<
      'scope' | 'namespace' | 'etcd-user' | 'etcd-password-file' | 'ca' | 'cert' | 'key' | 'user' | 'password-file',
      string | undefined
    >
  > & {url?: readonly string[] | undefined; etcd?: readonly string[] | undefined; 'etcd-api'?: 'v3' | 'v2' | undefined}
>

/** The cluster that the flags mean. */
export type Site = Readonly<{
  client: PatroniClient
  /** Where the command looks, in words. */
  at: string
  /** By `--url`; none by `--etcd`. */
  given: readonly MemberAddress[]
  /** By `--etcd`. */
  tree: TreeDiscovery | null
}>

/** For each question to one member or one endpoint. Two in a row stay below two seconds. */
export const questionMs = 900

/** Throws OperatorError on flags that name no cluster, or a file that cannot be read. */
export async function siteOf(flags: SiteFlags): Promise<Site> {
  const {url: urls = [], etcd: endpoints = [], scope, namespace} = flags
  const tls = await tlsOf(flags)
  const auth =
    flags.user === undefined ? undefined : {user: flags.user, password: await secretIn(flags['password-file'])}
  const options = {tls, auth, clock: systemClock, timeoutMs: questionMs}
  return explained(() => {
    if (endpoints.length > 0 && scope !== undefined) return byEtcd()
    if (urls.length === 0)
      throw new OperatorError('USAGE', 'no cluster is named', 'Add --url http://HOST:8008, or --etcd and --scope.')
    const client = new PatroniClient({...options, discovery: restDiscovery({...options, urls})})
    return {client, at: urls.join(', '), given: urls.map((url) => ({url: memberUrl(url), name: null})), tree: null}
  })

  async function byEtcd(): Promise<Site> {
    const user = flags['etcd-user']
    const password = user === undefined ? undefined : await secretIn(flags['etcd-password-file'])
    const place = {endpoints, scope: scope ?? '', namespace, api: flags['etcd-api'], user, password, tls}
    const tree = etcdDiscovery({...place, clock: systemClock, timeoutMs: questionMs})
    return {
      client: new PatroniClient({...options, discovery: tree}),
      at: `etcd ${endpoints.join(', ')}`,
      given: [],
      tree,
    }
  }
}

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
