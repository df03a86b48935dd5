import {OperatorError} from '../../core/errors.ts'
import {foldNode} from '../../core/ha-tools/repmgr.ts'
import {enumerate} from '../../core/phrases.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import type {Config} from '../config.ts'
import {keywordsOf} from '../libpq/dsn.ts'
import {environmentDsn, hostsOfDsns} from '../libpq/dsn-hosts.ts'
import type {Environment} from '../libpq/environment.ts'
import {fromFile} from '../load.ts'
import {ConfigError} from '../reading/problem.ts'
import {Report} from '../reading/report.ts'
import {paceOf} from './meaning.ts'
import type {HarepdRead} from './read-harepd.ts'

/** A row of `repmgr.nodes`. `conninfo` may hold a password: it is never shown. */
export type HarepdNode = Readonly<{name: string; type: string; conninfo: string}>

/** `isServer`: answers neighbours and touches no gate, as harepd does on the witness. */
export type HarepdUse = Readonly<{
  quorum: 'majority' | 'any'
  isServer: boolean
  /** Where the guard tells its state: harepd has no such place, and its user may write there. */
  socket: string
}>

/**
 * harepd looks for its tables there; `$PGHOST` and the like name the server. Rejects with
 * OperatorError.
 */
export async function ownDatabase({path, file}: HarepdRead, env: Environment): Promise<ConnectionSettings> {
  const report = new Report()
  const where = env.PGHOST || env.PGHOSTADDR ? '' : 'host=/var/run/postgresql'
  const dsn = `dbname='${file.database.replaceAll(/[\\']/g, '\\$&')}' sslmode=disable`
  const [own] = await hostsOfDsns(
    [dsn],
    {env, directory: '/', encoding: 'plain', report},
    `${environmentDsn(env)} ${where}`,
  )
  if (own === undefined || report.problems.length > 0) throw new ConfigError(path, report.problems)
  return own.connection
}

/**
 * The configuration of pgroute66 that does what harepd's file says, with the hosts of
 * `repmgr.nodes`: each is asked by its own conninfo, as repmgr asks it. Rejects with OperatorError.
 */
export async function configOfHarepd(
  {path, file}: HarepdRead,
  nodes: readonly HarepdNode[],
  use: HarepdUse,
  env: Environment,
): Promise<Config> {
  const data = nodes.filter(({type}) => type === 'primary' || type === 'standby')
  const own = data.find(({name}) => foldNode(name) === foldNode(file.nodeName))
  if (data.length === 0) throw unfit(path, 'repmgr.nodes has no row of a data node', 'Register the nodes with repmgr.')
  if (own === undefined && !use.isServer) {
    const names = enumerate(data.map(({name}) => name))
    throw unfit(
      path,
      `nodeName is ${file.nodeName}, and repmgr.nodes has ${names}`,
      'Write the node_name of repmgr.conf.',
    )
  }
  const hosts = Object.fromEntries(data.map((node) => [node.name, Object.fromEntries(keywordsAt(node, path))]))
  if (own !== undefined) checkAddress(own, {path, file})
  const document = documentOf({path, file}, use, own?.name ?? null)
  const text = JSON.stringify({hosts, ...document})
  const config = await fromFile({path: `${path} (with repmgr.nodes)`, text, mode: 0o600}, env)
  if (config.guard === null) return config
  const rules = {...config.guard.rules, replacesHarepd: true} as const
  return {...config, guard: {...config.guard, rules}}
}

const unfit = (path: string, message: string, next: string) =>
  new OperatorError('CONFIG_INVALID', `${path}: ${message}`, next)

function keywordsAt({name, conninfo}: HarepdNode, path: string): ReadonlyMap<string, string> {
  try {
    return new Map([...keywordsOf(conninfo)].filter(([, value]) => value !== ''))
  } catch {
    // The message could quote a part of a password.
    throw unfit(
      path,
      `conninfo of ${name} in repmgr.nodes cannot be read`,
      'Correct it in repmgr.conf, and register the node anew.',
    )
  }
}

/** harepd compares `primaryIP` with the first IPv4 of conninfo: another one would never open. */
function checkAddress(
  {name, conninfo}: HarepdNode,
  {path, file: {primaryIp}}: Pick<HarepdRead, 'path' | 'file'>,
): void {
  const [known] = /(\d{1,3}\.){3}\d{1,3}/.exec(conninfo) ?? []
  if (primaryIp === null || known === undefined || known === primaryIp) return
  throw unfit(
    path,
    `primaryIP is ${primaryIp}, and repmgr knows ${name} at ${known}`,
    'Write the address that conninfo has.',
  )
}

/**
 * In the words of pgroute66's own file. `sameuser`: harepd's lines are for the database of the
 * user's own name.
 */
function documentOf({file}: Pick<HarepdRead, 'path' | 'file'>, use: HarepdUse, local: string | null): object {
  const {intervalMs, deadlineMs, leaseMs} = paceOf(file)
  const ms = (count: number) => `${count}ms`
  const {tls, serverName} = file
  const url = (at: string) => `grpc://${at}`
  const peer = (at: string) =>
    tls === null ? url(at) : {url: url(at), ca_file: tls.caFile, ...(serverName !== null && {server_name: serverName})}
  const neighbours = file.neighbours.map(peer)
  const witness = file.witness === null ? {} : {witness: peer(file.witness)}
  const grpc = {
    bind: file.bind,
    port: file.port,
    ...(tls !== null && {tls: {cert_file: tls.certFile, key_file: tls.keyFile}}),
  }
  return {
    password_encoding: 'plain',
    probe: {interval: ms(intervalMs), timeout: ms(deadlineMs), connect_timeout: ms(deadlineMs), max_age: ms(leaseMs)},
    ...(file.logFile !== null && {logfile: file.logFile}),
    ...(local === null || use.isServer
      ? {grpc}
      : {
          local,
          guard: {
            hba_file: file.hbaFile,
            databases: ['sameuser'],
            users: {read_write: [file.readWrite], ...(file.readOnly !== null && {read_only: [file.readOnly]})},
            addresses: file.servers,
            allow: file.allow,
            deny: file.deny,
            interval: ms(intervalMs),
            lease: ms(leaseMs),
            allow_read_only: file.readOnly !== null,
            quorum: use.quorum,
            neighbours,
            socket: use.socket,
            ...witness,
            grpc,
          },
        }),
  }
}
