import {createHmac, randomBytes} from 'node:crypto'
import {type Endpoint, endpointsOf} from '../../api/listen/endpoint.ts'
import type {ListenerKind} from '../../api/listen/socket-activation.ts'
import type {Config} from '../../config/config.ts'
import {effective} from '../../config/printing/effective.ts'
import {fingerprint} from '../../config/printing/fingerprint.ts'
import {reloadedHosts} from '../../monitor/reloaded-hosts.ts'
import type {WireKeyChange, WireReloadPlan} from '../../protocol/reload-json.ts'

/**
 * Of this process alone: a plan is named by its whole configuration, secrets included, and the name is
 * shown. Without the key, a guess at a secret cannot be tried with it.
 */
const key = randomBytes(32)
const nameOf = (before: Config, after: Config): string =>
  createHmac('sha256', key)
    .update(JSON.stringify([contentOf(before), contentOf(after)]))
    .digest('hex')
    .slice(0, 16)

/** What a reload from `before` to `after` changes. Neither is changed. */
export function planReload(
  before: Config,
  after: Config,
  inherited: ReadonlyMap<ListenerKind, number>,
): WireReloadPlan {
  return {
    plan: nameOf(before, after),
    path: after.path,
    hash: {in_force: hashOf(before), file: hashOf(after)},
    changes: keyChanges(before, after),
    hosts: reloadedHosts(before, after),
    listeners: listenersOver(endpointsOf(before, inherited), endpointsOf(after, inherited)),
    routers: routersOver(before, after),
    warnings: after.warnings.map(({path, message, next}) => `${path} ${message}. ${next}`),
  }
}

function keyChanges(before: Config, after: Config): readonly WireKeyChange[] {
  const [from, to] = [valuesIn(effective(before)), valuesIn(effective(after))]
  const paths = [...new Set([...from.keys(), ...to.keys()])].filter((path) => from.get(path) !== to.get(path))
  const shown = paths.map((path) => ({
    path,
    from: from.get(path) ?? null,
    to: to.get(path) ?? null,
    secret: false,
  }))
  const hidden = hiddenChanges(before, after).filter((path) => !paths.includes(path))
  return [...shown, ...hidden.map((path) => ({path, from: null, to: null, secret: true}))]
}

/** As the snapshot and `doctor` show it. */
const hashOf = (config: Config): string => config.inForce?.hash ?? fingerprint(config)

/** The keys whose secret is another one. `config show` masks both values, so they look the same there. */
function hiddenChanges(before: Config, after: Config): readonly string[] {
  const [from, to] = [secretsIn(before), secretsIn(after)]
  return [...to].flatMap(([path, secret]) => (from.has(path) && from.get(path) !== secret ? [path] : []))
}

/** Each secret that the configuration holds itself, by its key in the file. Secrets in files are read when used. */
function secretsIn({hosts, groups, pgbouncer, hooks, learned: _, ...sections}: Config): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const keep = (path: string, value: unknown) => typeof value === 'string' && found.set(path, value)
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return
    const {pem, password, sslpassword} = value as Readonly<Record<string, unknown>>
    keep(path, pem)
    keep(`${path}.password`, Object(password).text)
    keep(`${path}.sslpassword`, sslpassword)
    for (const [name, one] of Object.entries(value)) walk(one, path === '' ? keyOf(name) : `${path}.${keyOf(name)}`)
  }
  for (const {name, connection} of hosts) walk(connection, `hosts.${name}`)
  for (const {name, ...group} of groups) walk(group, `groups.${name}`)
  for (const [index, one] of pgbouncer.entries()) walk(one, `pgbouncer[${index}]`)
  for (const [index, hook] of hooks.entries()) if (hook.kind === 'post') keep(`hooks[${index}].post`, hook.url)
  walk(sections, '')
  return found
}

const keyOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Without what says when and from where it was read, and the file's own text. */
function contentOf({path: _, warnings: __, inForce: ___, learned: ____, ...content}: Config) {
  return content
}

/** Each value of a document by its path, as text. A list of single values is one value. */
function valuesIn(document: object): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const walk = (value: unknown, path: string): void => {
    const isList = Array.isArray(value)
    const isDeep =
      typeof value === 'object' && value !== null && (!isList || value.some((one) => typeof one === 'object'))
    if (!isDeep) return void found.set(path, typeof value === 'string' ? value : JSON.stringify(value))
    for (const [name, one] of Object.entries(value))
      walk(one, isList ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`)
  }
  walk(document, '')
  return found
}

function listenersOver(before: readonly Endpoint[], after: readonly Endpoint[]): WireReloadPlan['listeners'] {
  const without = (some: readonly Endpoint[], others: readonly Endpoint[]) =>
    some.filter(({key}) => !others.some((other) => other.key === key)).map(endpointText)
  return {opened: without(after, before), closed: without(before, after)}
}

function endpointText({kind, at, tls}: Endpoint): string {
  if ('path' in at) return `${kind} ${at.path}`
  return `${kind} ${'fd' in at ? 'socket of systemd' : `${at.host}:${at.port}`}${tls === 'none' ? '' : ' (TLS)'}`
}

/** By the settings that actuators/haproxy/desired.ts and actuators/pgbouncer/desired.ts compare. */
function routersOver(before: Config, after: Config): readonly string[] {
  const [known, wanted] = [routersOf(before), routersOf(after)]
  return [...wanted].flatMap(([name, settings]) => (known.has(name) && known.get(name) !== settings ? [name] : []))
}

function routersOf({haproxy, pgbouncer, groups, stateDir}: Config): ReadonlyMap<string, string> {
  const common = [groups.map(({name, readFallback}) => [name, readFallback]), stateDir]
  return new Map([
    ...haproxy.instances.map(
      (instance) => [`haproxy ${instance.socket}`, JSON.stringify([instance, haproxy.frontends, common])] as const,
    ),
    ...pgbouncer.map(
      (settings) =>
        [
          `pgbouncer ${settings.admin.hostaddr ?? settings.admin.host}:${settings.admin.port}`,
          JSON.stringify([settings, common]),
        ] as const,
    ),
  ])
}
