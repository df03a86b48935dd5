import assert from 'node:assert/strict'
import {describe, test} from 'vitest'
import {type HaproxyFile, type HaproxyStyle, haproxyFile, haproxyStyles} from '../../src/actuators/haproxy/cfg.ts'

const servers = ['host1', 'host2'].map((name, index) => ({name, address: `10.0.0.${index + 1}:5432`}))
const isPolled = (style: HaproxyStyle) => style === 'httpchk' || style === 'external'
const draft = (style: HaproxyStyle): HaproxyFile => ({
  style,
  backends: [
    {name: 'pg_write', role: 'primary', bind: ':5000', servers, fallback: null},
    {name: 'pg_read', role: 'replica', bind: ':5001', servers, fallback: isPolled(style) ? 'pg_write' : null},
  ],
  api: {address: '127.0.0.1', port: 8443, tls: {verify: 'none', name: null}},
  agent: {address: '127.0.0.1', port: 8009, tls: null},
  socket: '/run/haproxy/admin.sock',
  maxLag: null,
})

/** The lines of a section, without comments. */
function section(text: string, name: string): string {
  const found = text.split('\n\n').find((part) => part.split('\n').includes(name)) ?? ''
  return found.replaceAll(/^ *#.*\n/gm, '')
}

/** The safety rules of each style. A new style does not compile until it has a row here. */
const rules: Record<HaproxyStyle, Readonly<Record<string, {says: readonly RegExp[]; never: readonly RegExp[]}>>> = {
  push: {
    global: {says: [/stats socket \/run\/haproxy\/admin\.sock .*level admin/], never: []},
    'listen pg_write': {
      says: [/default-server disabled$/m, /reject if .*nbsrv\(pgroute66\) eq 0/],
      // A health check of the servers would mark them down when serve dies.
      never: [/\bcheck\b/, /on-marked-down/],
    },
    'listen pg_read': {
      says: [/default-server disabled$/m, /reject if .*nbsrv\(pgroute66\) eq 0/],
      never: [/\bcheck\b/, /on-marked-down/],
    },
    'backend pgroute66': {
      says: [/uri \/readyz/, /server serve 127\.0\.0\.1:8443 check inter 1s fall 7 .*check-ssl/],
      never: [/on-marked-down/],
    },
  },
  agent: {
    global: {says: [], never: [/stats socket/]},
    'listen pg_write': {
      says: [
        /timeout check 2s/,
        /default-server disabled agent-check .*agent-port 8009 .*weight 100 on-marked-down shutdown-sessions/,
        /reject if .*nbsrv\(pgroute66\) eq 0/,
        /server host2 10\.0\.0\.2:5432 tcp-ut 8s agent-send "host2@10\.0\.0\.2:5432 primary\\n"/,
      ],
      never: [/(?<!timeout) check /],
    },
    'listen pg_read': {
      says: [/default-server disabled agent-check/, /agent-send "host1@10\.0\.0\.1:5432 replica\\n"/],
      never: [/(?<!timeout) check /, /on-marked-down/],
    },
    'backend pgroute66': {
      says: [/send alive\?\\n/, /server serve 127\.0\.0\.1:8009 check inter 1s fall 7/],
      never: [/on-marked-down/, /ssl/],
    },
  },
  httpchk: {
    global: {says: [], never: [/stats socket/]},
    'listen pg_write': {
      says: [
        /uri \/haproxy\/primary /,
        /send-state/,
        /disable-on-404/,
        /reject if .*nbsrv\(pgroute66\) eq 0 .* !\{ var\(proc\.pgroute66\) -m bool \}/,
        // Through the section of the checks, and never to serve itself.
        /check addr 127\.0\.0\.1 port 8066 inter 250ms .*fall 1 rise 2 on-marked-down shutdown-sessions/,
      ],
      never: [/disabled/, /8443/],
    },
    'listen pg_read': {
      says: [
        /uri \/haproxy\/replica /,
        /use_backend pg_write if \{ nbsrv\(pg_read\) eq 0 \}/,
        /check addr 127\.0\.0\.1 port 8066/,
        /reject if .*nbsrv\(pgroute66\) eq 0/,
      ],
      never: [/disabled/, /on-marked-down/, /8443/],
    },
    'backend pgroute66': {
      says: [/uri \/readyz/, /server serve 127\.0\.0\.1:8443 check inter 1s fall 7 .*check-ssl/],
      never: [/on-marked-down/],
    },
    'listen pgroute66_checks': {
      says: [
        /bind 127\.0\.0\.1:8066$/m,
        /set-status 200 if !\{ var\(txn\.answered\) -m bool \} .* \{ var\(txn\.state\) -m beg UP \}/,
        /server serve 127\.0\.0\.1:8443 ssl verify none$/m,
      ],
      // A server that is down would get no question, and bring back old states with its return.
      never: [/ check/],
    },
  },
  external: {
    global: {says: [/external-check/, /insecure-fork-wanted/], never: [/chroot/, /stats socket/]},
    'listen pg_write': {
      says: [
        /external-check command pgroute66-check-primary$/m,
        /external-check path/,
        // A larger fall needs a rise that takes longer.
        /check inter 1000ms fall 2 rise 4 on-marked-down shutdown-sessions/,
      ],
      never: [/disabled/, /fastinter/],
    },
    'listen pg_read': {
      says: [/external-check command pgroute66-check-standby$/m, /use_backend pg_write if \{ nbsrv\(pg_read\) eq 0 \}/],
      never: [/disabled/, /on-marked-down/],
    },
  },
}

describe.each(haproxyStyles)('style %s', (style) => {
  const text = haproxyFile(draft(style))
  for (const [name, {says, never}] of Object.entries(rules[style])) {
    test(`${name}: the file has every line that keeps writes safe, and no line that endangers them`, () => {
      const lines = section(text, name)
      for (const pattern of says) assert.match(lines, pattern)
      for (const pattern of never) assert.doesNotMatch(lines, pattern)
    })
  }

  test('in every style old workers and sessions on a vanished server end, and two writers are rejected', () => {
    assert.match(section(text, 'global'), /^ {4}hard-stop-after 10s$/m)
    assert.match(section(text, 'defaults'), /^ {4}timeout connect 200ms$/m)
    assert.match(section(text, 'defaults'), /^ {4}option redispatch 1$/m)
    // The sessions of a server that vanished end: both parts, and tcp-ut on each server line.
    for (const words of ['option srvtcpka', 'srvtcpka-idle 5s', 'srvtcpka-intvl 2s', 'srvtcpka-cnt 3'])
      assert.match(section(text, 'defaults'), new RegExp(`^ {4}${words}$`, 'm'))
    for (const name of ['listen pg_write', 'listen pg_read']) {
      const lines = section(text, name).match(/^ {4}server .*$/gm) ?? []
      assert.deepEqual([lines.length, lines.filter((line) => !line.includes(' tcp-ut 8s'))], [2, []])
    }
    assert.match(section(text, 'listen pg_write'), /reject if \{ nbsrv\(pg_write\) gt 1 \}/)
    assert.doesNotMatch(section(text, 'listen pg_read'), /gt 1/)
    assert.match(section(text, 'listen pg_write'), /^ {4}retries 0$/m)
    assert.doesNotMatch(section(text, 'listen pg_read'), /retries/)
  })
})

test('a lag limit applies to readers only', () => {
  const agent = haproxyFile({...draft('agent'), maxLag: '16MB'})
  assert.match(agent, /"host1@10\.0\.0\.1:5432 replica lag=16MB\\n"/)
  assert.match(agent, /"host1@10\.0\.0\.1:5432 primary\\n"/)
  const httpchk = haproxyFile({...draft('httpchk'), maxLag: '16MB'})
  assert.match(httpchk, /\/haproxy\/replica\?lag=16MB /)
  assert.match(httpchk, /\/haproxy\/primary /)
})

test('a stats socket on TCP gets no user, group or mode', () => {
  assert.match(
    haproxyFile({...draft('push'), socket: '10.0.0.9:9999'}),
    /^ {4}stats socket 10\.0\.0\.9:9999 level admin$/m,
  )
})
