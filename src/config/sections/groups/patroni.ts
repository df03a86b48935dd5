import {resolve} from 'node:path'
import type {PatroniSettings} from '../../../core/settings.ts'
import {nearest} from '../../../core/words/nearest.ts'
import {alternative} from '../../reading/alternative.ts'
import {orAbsent} from '../../reading/or-absent.ts'
import type {Report} from '../../reading/report.ts'
import {choice, text} from '../../reading/scalar.ts'
import {below, list, named, section} from '../../reading/section.ts'
import {describe, type Read, type Shape} from '../../reading/shape.ts'
import {isText} from '../../reading/yaml-node.ts'
import {type Document, given} from '../document.ts'
import {checkPair, etcdDocument, etcdKeys, etcdSettings, isWithoutLogin, plainUrl} from '../etcd.ts'
import {nameForm} from '../hosts/host-name.ts'

const etcdShape = section({
  api: describe("v3 where Patroni's configuration says etcd3, v2 where it says etcd", choice('v3', ['v3', 'v2'])),
  ...etcdKeys,
})

const patroniFields = section({
  scope: describe("the cluster's name, as scope in Patroni's configuration", text(null)),
  namespace: describe("as in Patroni's configuration", text('/service')),
  urls: describe("the members' REST API, http://10.0.0.1:8008; one is enough to find the others", list(text(''))),
  etcd: describe('where the leader key is; without it, only the members are asked', orAbsent(etcdShape)),
  via: describe(
    "whose word counts: the members', the leader key's, or the members' where the key does not deny",
    choice('both', ['rest', 'etcd', 'both']),
  ),
  ca_file: describe("the authorities that signed the members' certificates; default: the system's", text(null)),
  cert_file: describe('our own certificate, where the members ask for one', text(null)),
  key_file: describe('its private key', text(null)),
  members: describe(
    'the name in Patroni of a host, where the address does not tell which member it is',
    named(text(''), () => true),
  ),
})

/** One URL is enough where the members tell the rest. */
const urlShape: Shape<Read<typeof patroniFields>> = {
  absent: patroniFields.absent,
  schema: {type: 'string'},
  read: (node, path, report) => ({...patroniFields.absent, urls: [text('').read(node, path, report)]}),
}

export const patroniShape = describe(
  "asks Patroni's members who leads; confirm: [patroni] requires what they say; without hosts, a URL tells them",
  alternative(isText, urlShape, patroniFields),
)
export type PatroniFields = Read<typeof patroniShape>

/** `hosts`: of the group. */
type Place = Readonly<{hosts: readonly string[]; directory: string; path: string; report: Report}>

export function patroniSettings(fields: PatroniFields, {hosts, directory, path, report}: Place): PatroniSettings {
  const {scope, namespace, urls, etcd, via, ca_file, cert_file, key_file, members} = fields
  const missing = (key: string, next: string) => {
    if (report.isClean(below(path, key))) report.refuse(below(path, key), 'CONFIG_MISSING', 'is missing', next)
  }
  if (scope === null || scope === '') missing('scope', "Copy it from Patroni's configuration.")
  if (urls.length === 0 && etcd === null) missing('urls', 'Write "urls: [http://HOST:8008]" for each member.')
  if (via === 'etcd' && etcd === null) missing('etcd', 'Write "etcd: {endpoints: [http://HOST:2379]}", or via: rest.')
  checkUrls(urls, path, report)
  checkPair({cert_file, key_file}, path, report)
  checkMembers(members, {hosts, directory, path: below(path, 'members'), report})
  const file = (name: string | null) => (name === null ? null : resolve(directory, name))
  return {
    scope: scope ?? '',
    namespace,
    urls,
    etcd: etcd && {api: etcd.api, ...etcdSettings(etcd, {directory, path: below(path, 'etcd'), report})},
    via,
    caFile: file(ca_file),
    certFile: file(cert_file),
    keyFile: file(key_file),
    members: Object.fromEntries(members),
  }
}

/** `path`: of `patroni`. */
export function checkUrls(urls: readonly string[], path: string, report: Report): void {
  for (const [index, url] of urls.entries()) checkUrl(url, `${below(path, 'urls')}[${index}]`, report)
}

function checkUrl(url: string, path: string, report: Report): void {
  const parsed = URL.canParse(url) ? new URL(url) : null
  const isRoot = parsed !== null && ['', '/', '/patroni'].includes(parsed.pathname) && parsed.search === ''
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && isWithoutLogin(parsed) && isRoot) return
  const shown = report.quote(url, plainUrl)
  report.refuse(path, 'CONFIG_VALUE', `${shown}is not the URL of a server`, 'Write http://HOST:PORT, or https.')
}

function checkMembers(members: ReadonlyMap<string, string>, {hosts, path, report}: Place): void {
  for (const host of members.keys()) {
    if (hosts.includes(host)) continue
    const near = nearest(host, hosts)
    const next = near ? `Did you mean "${near}"?` : `Write one of ${hosts.slice(0, 12).join(', ')}.`
    const message = `${report.quote(host, nameForm)}is not the name of a host of the group`
    report.refuse(below(path, host), 'CONFIG_UNKNOWN_HOST', message, next)
  }
  for (const [member, same] of Map.groupBy([...members.keys()], (host) => members.get(host))) {
    if (same.length < 2) continue
    const message = `gives ${same.join(' and ')} one member, ${report.quote(member ?? '')}`.trimEnd()
    report.refuse(path, 'CONFIG_CONFLICT', message, 'Each host is a member of its own.')
  }
}

export const patroniDocument = (settings: PatroniSettings): Document => {
  const {scope, namespace, urls, etcd, via, caFile, certFile, keyFile, members} = settings
  return given({
    scope,
    namespace,
    urls,
    etcd: etcd && {api: etcd.api, ...etcdDocument(etcd)},
    via,
    ca_file: caFile,
    cert_file: certFile,
    key_file: keyFile,
    members: Object.keys(members).length > 0 ? members : null,
  })
}
