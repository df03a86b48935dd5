import {dirname, resolve} from 'node:path'
import type {ConfigFile} from '../config-file.ts'
import type {FileFields} from '../file-shape.ts'
import {type Environment, variable} from '../libpq/environment.ts'
import type {Report} from '../reading/report.ts'
import {below} from '../reading/section.ts'
import type {Node} from '../reading/yaml-node.ts'
import {checkUrls} from '../sections/groups/patroni.ts'
import {hostSection} from '../sections/hosts/host.ts'
import {askPatroni} from './ask-patroni.ts'
import {keptMembers} from './kept-members.ts'
import type {Learned, LearnedCluster, PatroniPlace} from './learned.ts'
import {hostNames, withThoseBefore} from './members.ts'

/**
 * How hosts that are not written are found. `kept`: as the daemon learned them, else by asking.
 * `anew`: by asking, and those of before stay. `told`: by asking alone, for an operator who sees which
 * hosts go. Where no member answers, those of before count.
 */
export type Learning = 'kept' | 'anew' | 'told'

type Around = Readonly<{env: Environment; file: ConfigFile; report: Report; learning: Learning}> &
  Readonly<{before: Learned | null}>

/** The hosts of Patroni's members, where the file has `patroni` and no `hosts`. `null`: nothing to learn. */
export async function learnHosts(
  fields: FileFields,
  around: Around,
): Promise<Readonly<{fields: FileFields; learned: Learned | null}> | null> {
  const {patroni} = fields
  const {report, file: source, learning, before} = around
  const directory = dirname(source.path)
  if (fields.hosts.size > 0 || patroni === null || patroni.urls.length === 0) return null
  if (!report.isClean('hosts', 'patroni')) return null
  checkUrls(patroni.urls, 'patroni', report)
  // Before they are asked: no login is sent, nor told as a part of a failure.
  if (!report.isClean('patroni')) return {fields: standIn(fields, []), learned: null}
  const file = (name: string | null) => (name === null ? null : resolve(directory, name))
  const place: PatroniPlace = {
    urls: patroni.urls,
    caFile: file(patroni.ca_file),
    certFile: file(patroni.cert_file),
    keyFile: file(patroni.key_file),
  }
  const stateDir = fields.state_dir === null ? null : resolve(directory, fields.state_dir)
  const kept = await keptMembers(stateDir, place.urls)
  const told = learning === 'kept' && kept !== null ? kept : await askPatroni(place)
  const known = before?.cluster ?? kept
  const isSameUrl = JSON.stringify(before?.place.urls) === JSON.stringify(place.urls)
  const silently = isSameUrl ? known : kept
  const cluster = typeof told === 'string' ? silently : learning === 'anew' ? withThoseBefore(told, known) : told
  if (cluster === null) {
    const next = 'Start Patroni or correct the URL, or write the hosts.'
    report.refuse('patroni', 'CONFIG_MISSING', `tells no hosts: ${told}`, next)
    return {fields: standIn(fields, patroni.urls), learned: null}
  }
  if (typeof told !== 'string' && told.scope !== cluster.scope)
    report.refuse(
      'patroni',
      'CONFIG_CONFLICT',
      `tells the scope "${told.scope}", the daemon knows "${cluster.scope}"`,
      'Correct the URL. Where the scope was renamed: "pgroute66 reload", or, while no daemon runs, ' +
        'remove patroni-members.json in state_dir.',
    )
  else if (patroni.scope !== null && patroni.scope !== cluster.scope)
    report.refuse(
      below('patroni', 'scope'),
      'CONFIG_CONFLICT',
      `is not "${cluster.scope}", which the members tell`,
      'Correct the scope or the URL.',
    )
  if (fields.cluster !== null)
    report.refuse(
      'cluster',
      'CONFIG_CLUSTER',
      'needs hosts that are written',
      'Write the hosts: instances compare them.',
    )
  if (stateDir === null)
    report.warn(
      'state_dir',
      'is missing, and the hosts are learned: while Patroni is silent, check, drain and reload end with 2',
      'Set state_dir.',
    )
  return {fields: withHosts(fields, cluster, around), learned: {file: source, place, cluster}}
}

/** That the scope is missing too is no problem of the file. */
const standIn = (fields: FileFields, urls: readonly string[]): FileFields => ({
  ...fields,
  patroni: fields.patroni && {...fields.patroni, urls, scope: fields.patroni.scope ?? 'unknown'},
})

/** The login is libpq's, with the role that "pgroute66 init --sql" makes as default. */
function withHosts(fields: FileFields, cluster: LearnedCluster, {env, report}: Around): FileFields {
  const login = {user: variable(env, 'PGUSER') ?? 'pgroute66', dbname: variable(env, 'PGDATABASE') ?? 'postgres'}
  const named = hostNames(cluster.members)
  const nodes = [...named].map(([name, {host, port}]): [string, Node] => [
    name,
    new Map(Object.entries({host, port: String(port), ...login})),
  ])
  const members = [...named].flatMap(([host, {name}]) => (host === name ? [] : [[host, name] as const]))
  const {patroni} = fields
  return {
    ...fields,
    hosts: hostSection.keys.hosts.read(new Map(nodes), 'hosts', report),
    patroni: patroni && {
      ...patroni,
      scope: cluster.scope,
      members: patroni.members.size > 0 ? patroni.members : new Map(members),
    },
  }
}
