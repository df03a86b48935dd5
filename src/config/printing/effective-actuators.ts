import type {ActuatorSettings, HookSettings, PgbouncerSettings} from '../../core/actuator-settings.ts'
import {formatDuration as duration} from '../../core/duration.ts'
import type {ConnectionSettings} from '../../core/settings.ts'

type Document = Readonly<Record<string, unknown>>

/** The part of the effective configuration that says who is told. Secrets are `mask`ed. */
export function actuatorsDocument({haproxy, agent, pgbouncer, hooks}: ActuatorSettings, mask: string): Document {
  return {
    haproxy: {
      backends: {...haproxy.backends},
      instances: haproxy.instances.map(({socket, masterSocket, backends}) =>
        given({socket, master_socket: masterSocket, backends: {...backends}}),
      ),
      resync: duration(haproxy.resyncMs),
    },
    agent: agent && {...agent},
    pgbouncer: pgbouncer.map((each) => pgbouncerDocument(each, mask)),
    hooks: hooks.map((hook) => hookDocument(hook, mask)),
  }
}

function pgbouncerDocument({admin, include, databases, pauseMs}: PgbouncerSettings, mask: string): Document {
  const {password} = admin
  return given({
    admin: adminUri(admin, 'text' in password ? mask : null),
    password_file: password.from === 'password_file' ? password.path : null,
    include,
    databases: Object.fromEntries(Object.entries(databases).map(([name, database]) => [name, given({...database})])),
    pause: pauseMs === null ? null : duration(pauseMs),
  })
}

function adminUri({host, port, user, dbname, sslmode}: ConnectionSettings, password: string | null): string {
  const who = encodeURIComponent(user) + (password === null ? '' : `:${password}`)
  const where = host.includes(':') ? `[${host}]` : encodeURIComponent(host)
  return `postgres://${who}@${where}:${port}/${encodeURIComponent(dbname)}?sslmode=${sslmode}`
}

function hookDocument(hook: HookSettings, mask: string): Document {
  const common = {on: hook.on, groups: hook.groups, timeout: duration(hook.timeoutMs), retries: hook.retries}
  if (hook.kind === 'run') return given({run: hook.argv, ...common})
  // The path of a webhook often is its secret.
  return given({post: `${new URL(hook.url).origin}/${mask}`, secret_file: hook.secretFile, ...common})
}

const given = (document: Document): Document =>
  Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null))
