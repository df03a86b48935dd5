import {hostname} from 'node:os'
import {resolve} from 'node:path'
import {formatDuration} from '../../core/duration.ts'
import type {ClusterSettings} from '../../core/settings.ts'
import {orAbsent} from '../reading/or-absent.ts'
import type {Report} from '../reading/report.ts'
import {duration, integer, text} from '../reading/scalar.ts'
import {below, type Keys, section} from '../reading/section.ts'
import {describe, type Read} from '../reading/shape.ts'
import type {Context} from './context.ts'
import {given} from './document.ts'
import {checkPair, etcdDocument, etcdKeys, etcdSettings, isServerUrl, plainUrl} from './etcd.ts'
import {nameForm} from './hosts/host-name.ts'
import type {Section} from './section.ts'

const etcd = section({...etcdKeys, user: describe('user of etcd, with rights on /pgroute66/SET/ alone', text(null))})

const cluster = section({
  set: describe('the name of the set; instances of one set share the groups', text('default')),
  id: describe('the name of this instance; default: the name of the machine', text(null)),
  url: describe('where the other instances reach the API of this one, as https://lb1:8443', text(null)),
  ca_file: describe("the authorities that sign the certificates of the instances; default: the system's", text(null)),
  cert_file: describe(
    'our own certificate as a client of the other instances: without it, no order is forwarded',
    text(null),
  ),
  key_file: describe('its private key', text(null)),
  etcd: describe('the etcd in which the instances meet; one of its own is recommended', orAbsent(etcd)),
  ttl: describe('an instance that is silent for so long loses its groups to the others', duration(10_000, 10_000)),
  standby: describe(
    '1: the second-best instance probes a group too, and tells of it where the owner is silent',
    integer(0, 0, 1),
  ),
})
type ClusterFields = Read<typeof cluster>

const keys = {
  cluster: orAbsent(describe('several instances of serve share the groups, over etcd (docs/scale.md)', cluster)),
}
type Fields = Keys<typeof keys> &
  Readonly<{
    groups: ReadonlyMap<string, Readonly<{hosts: readonly Readonly<{name: string}>[]}>> | null
    host_groups: ReadonlyMap<string, Readonly<{hosts: readonly Readonly<{name: string}>[]}>> | null
    haproxy: Readonly<{instances: readonly Readonly<{socket: string | null}>[]}> | null
  }>

/** The set of instances that share the groups. */
export const clusterSection = {
  keys,
  settings(fields: Fields, context: Context): {cluster: ClusterSettings | null} {
    const {cluster: asked} = fields
    if (asked === null) return {cluster: null}
    refuseUnfit(fields, context)
    return {cluster: settingsOf(asked, context)}
  },
  document: ({cluster: settings}) => ({cluster: settings && documentOf(settings)}),
} satisfies Section

function settingsOf(fields: ClusterFields, {directory, report}: Context): ClusterSettings {
  const {set, url, ca_file, cert_file, key_file, ttl, standby} = fields
  const id = fields.id ?? hostname()
  const file = (name: string | null) => (name === null ? null : resolve(directory, name))
  if (!nameForm.test(set))
    report.refuse(
      'cluster.set',
      'CONFIG_NAME',
      `${report.quote(set)}is not a name`,
      'Use letters, digits, "_", "." and "-".',
    )
  if (!nameForm.test(id))
    report.refuse(
      'cluster.id',
      'CONFIG_NAME',
      `${report.quote(id)}is not a name`,
      'Use letters, digits, "_", "." and "-".',
    )
  checkUrl(url, report)
  checkPair({cert_file, key_file}, 'cluster', report)
  if (fields.etcd === null && report.isClean('cluster.etcd'))
    report.refuse('cluster.etcd', 'CONFIG_MISSING', 'is missing', 'Write "etcd: {endpoints: [https://HOST:2379]}".')
  return {
    set,
    id,
    url: url ?? '',
    caFile: file(ca_file),
    certFile: file(cert_file),
    keyFile: file(key_file),
    etcd: etcdSettings(fields.etcd ?? etcd.absent, {path: 'cluster.etcd', directory, report}),
    ttlMs: ttl,
    hasStandby: standby === 1,
  }
}

function checkUrl(url: string | null, report: Report): void {
  const path = 'cluster.url'
  if (!report.isClean(path)) return
  const next = 'Write https://HOST:PORT, as the other instances reach the API of this one.'
  if (url === null) report.refuse(path, 'CONFIG_MISSING', 'is missing', next)
  else if (!isServerUrl(url))
    report.refuse(path, 'CONFIG_VALUE', `${report.quote(url, plainUrl)}is not the URL of an instance`, next)
  else if (url.startsWith('http:') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(url))
    report.warn(
      path,
      'is plain HTTP: the network between can forge what instances tell each other',
      'Set ssl, and write https://.',
    )
}

/** What two instances would do against each other is refused. */
function refuseUnfit(fields: Fields, {hosts, report}: Context): void {
  const groups = [...(fields.groups ?? fields.host_groups ?? [])]
  const unfit = (path: string, message: string, next: string) => {
    if (report.isClean(path)) report.refuse(path, 'CONFIG_CLUSTER', message, next)
  }
  const key = fields.groups === null ? 'host_groups' : 'groups'
  const groupsOf = Map.groupBy(
    groups.flatMap(([name, group]) => group.hosts.map((host) => [host.name, name] as const)),
    ([host]) => host,
  )
  for (const [host, named] of groupsOf) {
    if (named.length < 2) continue
    const names = named.map(([, name]) => name).join(' and ')
    unfit(
      key,
      `has ${host} in ${names}, and with cluster each group is one instance's`,
      'Put each host into one group.',
    )
  }
  for (const {name} of groups.length > 0 ? hosts : [])
    if (!groupsOf.has(name))
      unfit(below('hosts', name), 'is in no group, and with cluster only groups are watched', 'Add it to a group.')
  for (const [index, {socket}] of (fields.haproxy?.instances ?? []).entries())
    if (socket !== null && !socket.startsWith('/'))
      unfit(
        `haproxy.instances[${index}].socket`,
        'is a network address, and several instances of the set would push to it',
        "Name the unix socket of this machine's HAProxy, or let HAProxy ask: httpchk or agent.",
      )
}

function documentOf({set, id, url, caFile, certFile, keyFile, etcd, ttlMs, hasStandby}: ClusterSettings) {
  return given({
    set,
    id,
    url,
    ca_file: caFile,
    cert_file: certFile,
    key_file: keyFile,
    etcd: etcdDocument(etcd),
    ttl: formatDuration(ttlMs),
    standby: hasStandby ? 1 : 0,
  })
}
