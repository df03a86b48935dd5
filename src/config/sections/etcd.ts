import {resolve} from 'node:path'
import type {EtcdSettings} from '../../core/settings.ts'
import type {Report} from '../reading/report.ts'
import {text} from '../reading/scalar.ts'
import {below, list, type section} from '../reading/section.ts'
import {describe, type Read} from '../reading/shape.ts'
import {type Document, given} from './document.ts'

/** How an etcd is reached: keys that each section that names one has. */
export const etcdKeys = {
  endpoints: describe('https://10.0.0.10:2379; several: the next one is asked where one is silent', list(text(''))),
  ca_file: describe("the authorities that signed etcd's certificates", text(null)),
  cert_file: describe('our own certificate, where etcd asks for one', text(null)),
  key_file: describe('its private key', text(null)),
  user: describe('user of etcd, where it asks for one', text(null)),
  password_file: describe('file with the password of user', text(null)),
}
type EtcdFields = Read<ReturnType<typeof section<typeof etcdKeys>>>

/** `path`: of the section in the configuration. */
type Place = Readonly<{path: string; directory: string; report: Report}>

export function etcdSettings(fields: EtcdFields, {path, directory, report}: Place): EtcdSettings {
  const {endpoints, ca_file, cert_file, key_file, user, password_file} = fields
  const at = below(path, 'endpoints')
  if (endpoints.length === 0 && report.isClean(path, at))
    report.refuse(at, 'CONFIG_MISSING', 'is missing', 'Write "endpoints: [https://HOST:2379]".')
  for (const [index, endpoint] of endpoints.entries()) {
    if (isServerUrl(endpoint)) continue
    const message = `${report.quote(endpoint, plainUrl)}is not the URL of a server`
    report.refuse(`${at}[${index}]`, 'CONFIG_VALUE', message, 'Write http://HOST:PORT, or https.')
  }
  checkPair({cert_file, key_file}, path, report)
  checkPair({user, password_file}, path, report)
  const file = (name: string | null) => (name === null ? null : resolve(directory, name))
  return {
    endpoints,
    caFile: file(ca_file),
    certFile: file(cert_file),
    keyFile: file(key_file),
    user,
    passwordFile: file(password_file),
  }
}

export const etcdDocument = ({endpoints, caFile, certFile, keyFile, user, passwordFile}: EtcdSettings): Document =>
  given({
    endpoints,
    ca_file: caFile,
    cert_file: certFile,
    key_file: keyFile,
    user,
    password_file: passwordFile,
  })

/** What no password looks like. */
export const plainUrl = /^[a-z]{0,10}:?\/{0,3}[\w.:[\]-]{0,100}\/?$/i

/** A login in a URL would be shown wherever the URL is. */
export const isWithoutLogin = ({username, password}: URL): boolean => username === '' && password === ''

export function isServerUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null
  const isRoot = url !== null && url.pathname === '/' && url.search === ''
  return isRoot && /^https?:$/.test(url.protocol) && isWithoutLogin(url)
}

/** Two keys of which one alone means nothing. */
export function checkPair(pair: Readonly<Record<string, string | null>>, path: string, report: Report): void {
  const missing = Object.entries(pair).filter(([, value]) => value === null)
  const [first] = missing
  if (missing.length !== 1 || first === undefined || !report.isClean(below(path, first[0]))) return
  report.refuse(
    below(path, first[0]),
    'CONFIG_MISSING',
    'is missing',
    `Set ${Object.keys(pair).join(' and ')}, or neither.`,
  )
}
