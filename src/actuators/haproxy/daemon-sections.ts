/** Where HAProxy reaches `serve`. */
export type ServeEndpoint = Readonly<{address: string; port: number; tls: ServeTls | null}>

/** How HAProxy verifies the certificate; `name`: the one it must be for, `null`: any. */
export type ServeTls = Readonly<{verify: string; name: string | null}>

/** The backend whose only server is `serve`: HAProxy accepts clients only while it is up. */
export const guardBackend = 'pgroute66'
/** Where the checks of style httpchk go: a port of this machine, for HAProxy alone. */
const relay = {address: '127.0.0.1', port: 8066}
export const relayCheck = `check addr ${relay.address} port ${relay.port}`

/**
 * The dead man's switch. Servers stay as they are while `serve` is silent, so HAProxy must notice
 * that `serve` is gone. Rejected: a health check of each server; without `serve` it would mark every
 * server down and cut healthy sessions.
 */
export function guard({style, api, agent}: Readonly<{style: string; api: ServeEndpoint; agent: ServeEndpoint}>) {
  const check =
    style === 'agent'
      ? [
          '    option tcp-check',
          '    tcp-check connect',
          '    tcp-check send alive?\\n',
          '    tcp-check expect string alive',
        ]
      : [
          '    option httpchk',
          '    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost',
          '    http-check expect status 200',
        ]
  const serve = style === 'agent' ? agent : api
  return [
    '# After seven to ten seconds without serve HAProxy accepts no new connection. Open ones stay.',
    `backend ${guardBackend}`,
    '    timeout connect 500ms',
    '    timeout check 500ms',
    ...check,
    `    server serve ${placeOf(serve)} check inter 1s fall 7 rise 2${checkTls(serve)}`,
  ]
}

/**
 * A health check takes silence for "no", whatever its options (HAProxy 2.6 to 3.5): a time-out, a
 * refusal and a 503 count alike. Rejected: a larger `fall`, which delays an explicit "no" as much.
 */
export const relaySection = (api: ServeEndpoint): readonly string[] => [
  '# Checks pass through here, because a health check of HAProxy takes silence for "no". While serve',
  '# is silent, each check gets the present state of its server as the answer: silence cuts nothing.',
  `listen ${guardBackend}_checks`,
  `    bind ${relay.address}:${relay.port}`,
  '    mode http',
  '    no log',
  '    timeout connect 1s',
  '    timeout client 5s',
  '    timeout server 1s',
  '    retries 0',
  '    http-reuse always',
  '    http-request deny unless METH_GET { path_beg /haproxy/ }',
  '    http-request set-var(txn.state) req.hdr(X-Haproxy-Server-State)',
  '    # "unchanged": serve has just started, and knows nothing yet.',
  '    http-response set-var(txn.answered) bool(true) unless { res.hdr(X-Pgroute66-Server) unchanged }',
  '    # HAProxy starts with every server up. That is no state to keep before serve has answered.',
  '    http-response set-var(proc.pgroute66) bool(true) if { var(txn.answered) -m bool }',
  '    # "drain": no new sessions, open ones stay. HAProxy does that after a 404.',
  '    http-response set-status 503 if { status 404 }',
  '    http-response set-status 404 if { res.hdr(X-Pgroute66-Server) drain }',
  '    http-after-response set-status 503 if !{ var(txn.answered) -m bool } { var(txn.state) -m found }',
  ...keep('UP', 200),
  ...keep('NOLB', 404),
  `    server serve ${placeOf(api)}${serverTls(api)}`,
]

/** `serve` has answered this HAProxy since its start. */
export const hasAnswered = '{ var(proc.pgroute66) -m bool }'

const keep = (state: string, status: number) => [
  `    http-after-response set-status ${status} if !{ var(txn.answered) -m bool } ` +
    `${hasAnswered} { var(txn.state) -m beg ${state} }`,
]

const placeOf = ({address, port}: ServeEndpoint): string => `${bracketed(address)}:${port}`
export const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address)

function checkTls({tls}: ServeEndpoint): string {
  if (tls === null) return ''
  return ` check-ssl verify ${tls.verify}${tls.name === null ? '' : ` check-sni ${tls.name} verifyhost ${tls.name}`}`
}

function serverTls({tls}: ServeEndpoint): string {
  if (tls === null) return ''
  return ` ssl verify ${tls.verify}${tls.name === null ? '' : ` sni str(${tls.name}) verifyhost ${tls.name}`}`
}
