import type {PoolRole} from '../../core/offers/pools.ts'
import {
  bracketed,
  guard,
  guardBackend,
  hasAnswered,
  relayCheck,
  relaySection,
  type ServeEndpoint,
} from './daemon-sections.ts'

export const haproxyStyles = ['push', 'agent', 'httpchk', 'external'] as const
/**
 * How HAProxy learns the state of its servers: `push`, `serve` sends commands to the stats socket;
 * `agent`, HAProxy asks the agent port of `serve`; `httpchk`, HAProxy asks `serve` over HTTP;
 * `external`, HAProxy runs a command per check.
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
   * The backend of writers that serves while no reader may, in styles where HAProxy itself must
   * fall back; `null`: none.
   */
  fallback: string | null
}>

export type HaproxyFile = Readonly<{
  style: HaproxyStyle
  backends: readonly HaproxyFileBackend[]
  api: ServeEndpoint
  agent: ServeEndpoint
  /** The stats socket that `serve` pushes to: a path, or `host:port`. */
  socket: string
  /** The lag beyond which a standby serves no readers: `16MB`, `5s`; `null`: no limit. */
  maxLag: string | null
}>

/** Between two external checks. HAProxy also ends a check after this time. */
export const externalInterMs = 1_000

/**
 * A complete haproxy.cfg (HAProxy 2.4 and later; its configuration manual explains each keyword).
 * Its comments are for the operator who maintains the file, and say why: most lines are there
 * because a file without them was seen to fail.
 */
export function haproxyFile(file: HaproxyFile): string {
  const isGuarded = file.style !== 'external'
  const sections = [
    global(file),
    defaults,
    ...file.backends.map((backend) => listen(backend, file, isGuarded)),
    ...(isGuarded ? [guard(file)] : []),
    ...(file.style === 'httpchk' ? [relaySection(file.api)] : []),
  ]
  const text = sections.map((lines) => `${lines.join('\n')}\n`).join('\n')
  return `# Made by "pgroute66 haproxy config --style ${file.style}".\n${text}`
}

function global({style, socket}: HaproxyFile): readonly string[] {
  const rights = socket.includes('/') ? ' user haproxy group haproxy mode 660' : ''
  const own = {
    push: [
      '    # The user that runs "pgroute66 serve" must be in the group haproxy.',
      `    stats socket ${socket}${rights} level admin`,
    ],
    agent: [],
    httpchk: [],
    external: [
      '    # Do not add "chroot" (the haproxy.cfg of Debian has it): HAProxy would never run the checks.',
      '    external-check',
      '    # Without this line every check fails, and HAProxy only prints a warning.',
      '    insecure-fork-wanted',
    ],
  }
  return [
    'global',
    '    log stdout format raw local0 notice',
    '    user haproxy',
    '    group haproxy',
    '    # After a reload the old worker no longer learns of a switch: end it, and its sessions, soon.',
    '    hard-stop-after 10s',
    ...own[style],
  ]
}

const defaults: readonly string[] = [
  'defaults',
  '    log global',
  '    mode tcp',
  '    # HAProxy also waits this long before retrying a refused connection.',
  '    # Raise it for distant servers.',
  '    timeout connect 200ms',
  '    timeout client 1h',
  '    timeout server 1h',
  '    option redispatch 1',
  '    # The sessions of a server that vanishes without a word end after some ten seconds, not after',
  '    # "timeout server". With it belongs "tcp-ut" on each server line.',
  '    option srvtcpka',
  '    srvtcpka-idle 5s',
  '    srvtcpka-intvl 2s',
  '    srvtcpka-cnt 3',
]

/** Unanswered data ends a session after this time. On default-server it has no effect (seen in 2.6). */
const vanished = 'tcp-ut 8s'

function listen(backend: HaproxyFileBackend, file: HaproxyFile, isGuarded: boolean): readonly string[] {
  const {name, bind, role, servers, fallback} = backend
  const isWriter = role === 'primary'
  const rejectConditions = [
    ...(isWriter ? [`{ nbsrv(${name}) gt 1 }`] : []),
    ...(isGuarded ? [`{ nbsrv(${guardBackend}) eq 0 }`] : []),
    ...(file.style === 'httpchk' ? [`!${hasAnswered}`] : []),
  ]
  return [
    `listen ${name}`,
    `    bind ${bind}`,
    ...(isWriter
      ? ['    # At most one server is up, so a retry cannot help: fail the client at once.', '    retries 0']
      : ['    balance leastconn']),
    ...(isWriter
      ? [
          '    # Refuse clients while two servers are up, for example at a start: HAProxy counts a server',
          '    # as up until its first check.',
        ]
      : []),
    ...(rejectConditions.length > 0 ? [`    tcp-request connection reject if ${rejectConditions.join(' || ')}`] : []),
    ...(fallback === null
      ? []
      : [
          '    # While no standby may serve, readers use the primary.',
          `    use_backend ${fallback} if { nbsrv(${name}) eq 0 }`,
        ]),
    ...serverDefaults(backend, file),
    ...servers.map(
      (server) => `    server ${server.name} ${server.address} ${vanished}${agentSend(server, backend, file)}`,
    ),
  ]
}

/** How the servers of a backend go up and down. */
function serverDefaults({role}: HaproxyFileBackend, {style, agent, maxLag}: HaproxyFile): readonly string[] {
  const isWriter = role === 'primary'
  const cut = isWriter ? ' on-marked-down shutdown-sessions' : ''
  const limit = maxLag !== null && !isWriter ? `?lag=${maxLag}` : ''
  const polled = (check: string, limits: string) => [
    `    default-server ${check} ${limits}${cut}`,
    '.if version_atleast(3.1)',
    '    default-server init-state fully-down',
    '.endif',
  ]
  switch (style) {
    case 'push':
      return ['    # Disabled until serve enables it.', '    default-server disabled']
    case 'agent':
      return [
        '    # An answer may be late. Without this line HAProxy forgets it after agent-inter.',
        '    timeout check 2s',
        '    # Disabled until the agent enables it. While the agent is silent, nothing changes.',
        ...(isWriter
          ? ['    # The agent answers "down", which cuts sessions, only with evidence against the host.']
          : []),
        `    default-server disabled agent-check ${agentAt(agent)} ` +
          `agent-inter ${isWriter ? 100 : 200}ms weight 100${cut}`,
      ]
    case 'httpchk':
      return [
        '    option httpchk',
        '    http-check send-state',
        `    http-check send meth GET uri /haproxy/${role}${limit} ver HTTP/1.1 hdr Host localhost`,
        '    http-check expect status 200',
        '    # More than an answer takes through pgroute66_checks.',
        '    timeout check 3s',
        ...(isWriter
          ? [
              '    # An explicit "no" acts at once. The successor gets its "yes" when HAProxy has no other',
              '    # server up.',
              '    http-check disable-on-404',
            ]
          : []),
        ...(isWriter
          ? polled(`${relayCheck} inter 250ms fastinter 100ms`, 'fall 1 rise 2')
          : polled(`${relayCheck} inter 250ms`, 'fall 2 rise 1')),
      ]
    case 'external':
      return [
        '    option external-check',
        '    # HAProxy runs the check as its own user, with this PATH.',
        '    # Let that user open the socket of serve: set "socket_group: haproxy" in pgroute66.yml.',
        '    external-check path /usr/local/bin:/usr/bin:/bin',
        `    external-check command pgroute66-check-${isWriter ? 'primary' : 'standby'}`,
        // Each check is a process: readers are checked less often, so that checks of writers get the
        // processor.
        ...(isWriter
          ? [
              '    # One check that fails, because serve is silent or the machine is busy, cuts nothing.',
              '    # The four checks of a successor take longer than the two of its predecessor, also late ones.',
              ...polled(`check inter ${externalInterMs}ms`, 'fall 2 rise 4'),
            ]
          : polled(`check inter ${3 * externalInterMs}ms`, 'fall 2 rise 1')),
      ]
  }
}

/** The address lets the agent notice a server that has the address of another host. */
function agentSend(
  {name, address}: HaproxyFileBackend['servers'][number],
  {role}: HaproxyFileBackend,
  {style, maxLag}: HaproxyFile,
): string {
  if (style !== 'agent') return ''
  // After a space come keywords of the server line. A unix socket has no address to compare.
  const at = address.startsWith('unix@') ? '' : `@${address.split(' ')[0]}`
  return ` agent-send "${name}${at} ${role}${maxLag !== null && role !== 'primary' ? ` lag=${maxLag}` : ''}\\n"`
}

const agentAt = ({address, port}: ServeEndpoint): string => `agent-addr ${bracketed(address)} agent-port ${port}`
