import type {PoolRole} from '../../core/offers/pools.ts'

export const haproxyStyles = ['push', 'agent', 'httpchk', 'external'] as const
/**
 * Who tells HAProxy: `serve` over the stats socket, `serve` on its agent port, `serve` over HTTP,
 * or a command per check.
 */
export type HaproxyStyle = (typeof haproxyStyles)[number]

export type HaproxyFileBackend = Readonly<{
  name: string
  role: PoolRole
  /** `bind` of its frontend. */
  bind: string
  /** `address`: as HAProxy writes it, with the port. */
  servers: readonly Readonly<{name: string; address: string}>[]
  /**
   * The backend of writers that serves when no reader may, where HAProxy has to see to that itself.
   */
  fallback: string | null
}>

/** Where HAProxy reaches `serve`. */
export type ServeEndpoint = Readonly<{
  address: string
  port: number
  /** Keywords for a check over TLS (`check-ssl verify …`); `null`: plain. */
  tls: string | null
}>

export type HaproxyFile = Readonly<{
  style: HaproxyStyle
  backends: readonly HaproxyFileBackend[]
  api: ServeEndpoint
  agent: ServeEndpoint
  /** Of the stats socket that `serve` pushes to: a path, or `host:port`. */
  socket: string
  /** Beyond it, readers are not sent to a standby: `16MB`, `5s`. */
  maxLag: string | null
}>

/**
 * The backend with one server, `serve` itself: whoever writes and reads is let in only while it is
 * up.
 */
const guardBackend = 'pgroute66'
/** Between two external checks, each of which HAProxy ends after as much. */
export const externalInterMs = 1_000

/**
 * A complete haproxy.cfg (HAProxy 2.4 and later; its configuration manual explains each keyword).
 * The comments in it are for whoever keeps it, and say why: most lines are there because something
 * else was seen to fail.
 */
export function haproxyFile(file: HaproxyFile): string {
  const isGuarded = file.style === 'push' || file.style === 'agent'
  const sections = [
    global(file),
    defaults,
    ...file.backends.map((backend) => listen(backend, file, isGuarded)),
    ...(isGuarded ? [guard(file)] : []),
  ]
  return `# By "pgroute66 haproxy config --style ${file.style}".\n${sections.map((lines) => `${lines.join('\n')}\n`).join('\n')}`
}

function global({style, socket}: HaproxyFile): readonly string[] {
  const rights = socket.includes('/') ? ' user haproxy group haproxy mode 660' : ''
  const own = {
    push: [
      '    # The user of serve has to be in the group haproxy.',
      `    stats socket ${socket}${rights} level admin`,
    ],
    agent: [],
    httpchk: [],
    external: [
      '    # No chroot here: under one (the file of Debian has it) an external check never runs.',
      '    external-check',
      '    # Without it every check fails, and a warning is all that is said.',
      '    insecure-fork-wanted',
    ],
  }
  return [
    'global',
    '    log stdout format raw local0 notice',
    '    user haproxy',
    '    group haproxy',
    '    # An old worker hears of no switch any more: after a reload, its sessions end with it.',
    '    hard-stop-after 10s',
    ...own[style],
  ]
}

const defaults: readonly string[] = [
  'defaults',
  '    log global',
  '    mode tcp',
  '    # Also the pause after a refused connection. Longer where servers are far.',
  '    timeout connect 200ms',
  '    timeout client 1h',
  '    timeout server 1h',
  '    option redispatch 1',
]

function listen(backend: HaproxyFileBackend, file: HaproxyFile, isGuarded: boolean): readonly string[] {
  const {name, bind, role, servers, fallback} = backend
  const isWriter = role === 'primary'
  const rejectConditions = [
    ...(isWriter ? [`{ nbsrv(${name}) gt 1 }`] : []),
    ...(isGuarded ? [`{ nbsrv(${guardBackend}) eq 0 }`] : []),
  ]
  return [
    `listen ${name}`,
    `    bind ${bind}`,
    ...(isWriter
      ? [
          '    # One server at most may be up, so there is none to try instead: the client hears it at once.',
          '    retries 0',
        ]
      : ['    balance leastconn']),
    ...(isWriter ? ['    # Never two: not at a start either, when everything counts as up until it was asked.'] : []),
    ...(rejectConditions.length > 0 ? [`    tcp-request connection reject if ${rejectConditions.join(' || ')}`] : []),
    ...(fallback === null
      ? []
      : ['    # No standby may serve: the primary does.', `    use_backend ${fallback} if { nbsrv(${name}) eq 0 }`]),
    ...serverDefaults(backend, file),
    ...servers.map(({name: server, address}) => `    server ${server} ${address}${agentSend(server, backend, file)}`),
  ]
}

/** How the servers of a backend come up and go down. */
function serverDefaults({role}: HaproxyFileBackend, {style, api, agent, maxLag}: HaproxyFile): readonly string[] {
  const isWriter = role === 'primary'
  const cut = isWriter ? ' on-marked-down shutdown-sessions' : ''
  const polled = (check: string) => [
    ...(isWriter
      ? ['    # At a switch none is up for a moment, and never two. That serve is gone is a failed check, too.']
      : []),
    `    default-server ${check} ${isWriter ? 'fall 1 rise 2' : 'fall 2 rise 1'}${cut}`,
    '.if version_atleast(3.1)',
    '    default-server init-state fully-down',
    '.endif',
  ]
  switch (style) {
    case 'push':
      return ['    # Until serve says otherwise.', '    default-server disabled']
    case 'agent':
      return [
        '    # Until the agent says otherwise. Its silence changes nothing.',
        ...(isWriter ? ['    # It says "down", which cuts sessions, only where something speaks against a host.'] : []),
        `    default-server disabled agent-check agent-addr ${bracketed(agent.address)} agent-port ${agent.port} agent-inter 200ms weight 100${cut}`,
      ]
    case 'httpchk':
      return [
        '    option httpchk',
        '    http-check send-state',
        `    http-check send meth GET uri /haproxy/${role}${maxLag !== null && !isWriter ? `?lag=${maxLag}` : ''} ver HTTP/1.1 hdr Host localhost`,
        '    http-check expect status 200',
        ...polled(
          `check addr ${bracketed(api.address)} port ${api.port}${api.tls === null ? '' : ` ${api.tls}`} inter 250ms`,
        ),
      ]
    case 'external':
      return [
        '    option external-check',
        '    # HAProxy empties PATH, and its own user runs the check: that one must be able to open the socket of serve (socket_group: haproxy).',
        '    external-check path /usr/local/bin:/usr/bin:/bin',
        `    external-check command pgroute66-check-${isWriter ? 'primary' : 'standby'}`,
        // Each is a process: readers can wait, so that writers are not waiting for a processor.
        ...polled(`check inter ${isWriter ? externalInterMs : 3 * externalInterMs}ms`),
      ]
  }
}

function agentSend(server: string, {role}: HaproxyFileBackend, {style, maxLag}: HaproxyFile): string {
  if (style !== 'agent') return ''
  return ` agent-send "${server} ${role}${maxLag !== null && role !== 'primary' ? ` lag=${maxLag}` : ''}\\n"`
}

/**
 * The dead man's switch stands apart from the servers: what is pushed, and what an agent said last,
 * stays for ever, so somebody has to notice that nobody speaks any more. As a health check of each
 * server its silence would mark them down, and cut sessions that nothing is wrong with.
 */
function guard({style, api, agent}: HaproxyFile): readonly string[] {
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
  const {address, port, tls} = style === 'agent' ? agent : api
  return [
    '# Ten seconds without serve, and no new connection is let in anywhere. Open ones stay.',
    `backend ${guardBackend}`,
    ...check,
    `    server serve ${bracketed(address)}:${port} check inter 1s fall 10 rise 2${tls === null ? '' : ` ${tls}`}`,
  ]
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address)
