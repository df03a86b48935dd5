/** Who is asked about, before anybody knows the configuration. `null`: not given. */
export type CheckQuestion = Readonly<{
  server: string | null
  address: string | null
  port: string | null
  /** HAProxy's proxy: it means a role where `role` is not given. */
  proxy: string | null
  role: string | null
  group: string | null
  maxLag: string | null
}>

export const anyQuestion: CheckQuestion = {
  server: null,
  address: null,
  port: null,
  proxy: null,
  role: null,
  group: null,
  maxLag: null,
}

/**
 * HAProxy's external check (its manual, "external-check command"): four arguments - proxy address
 * and port, server address and port - and the environment. It is HAProxy if and only if the
 * variable is there: nobody else has a reason to set it. `null`: not HAProxy.
 */
export function haproxyQuestion(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  role: string | null,
): CheckQuestion | null {
  const [, , address, port] = words
  if (env.HAPROXY_SERVER_NAME === undefined || words.length !== 4 || address === undefined || port === undefined)
    return null
  // A server on a unix socket has no port; its name has to do.
  const place = /^\d{1,5}$/.test(port) ? {address, port} : {}
  return {
    ...anyQuestion,
    ...place,
    server: env.HAPROXY_SERVER_NAME || null,
    proxy: env.HAPROXY_PROXY_NAME || null,
    role,
  }
}

/** The path of `GET /v1/check` (API.md). */
export function pathOf({server, address, port, proxy, role, group, maxLag}: CheckQuestion): string {
  const given = Object.entries({server, address, port, proxy, role, group, max_lag: maxLag}).filter(
    ([, value]) => value !== null,
  )
  return `/v1/check?${given.map(([key, value]) => `${key}=${encodeURIComponent(value ?? '')}`).join('&')}`
}
