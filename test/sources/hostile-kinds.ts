import type {ConnectionSettings, RequiredAuth} from '../../src/core/settings.ts'
import {
  afterwards,
  challenge,
  cleartext,
  drip,
  endless,
  first,
  type Hostile,
  int,
  knowing,
  md5,
  message,
  ok,
  proofOf,
  sasl,
  say,
  scram,
  welcome,
} from './hostile-messages.ts'

/** Servers that no PostgreSQL is, and what the client says of each. */

export const negative = (text: string, methods: RequiredAuth['methods']): RequiredAuth => ({
  ...{text, methods, mayBeNone: false, isNegative: true},
})
export const allowed = (text: string, methods: RequiredAuth['methods'], mayBeNone = false): RequiredAuth => ({
  ...{text, methods, mayBeNone, isNegative: false},
})
const onlyScram = allowed('scram-sha-256', ['scram-sha-256'])

export type HostileKind = readonly [
  server: string,
  does: Hostile,
  cause: string | RegExp,
  detail: RegExp,
  change?: Partial<ConnectionSettings>,
]
export const hostileKinds: readonly HostileKind[] = [
  ['HTTP', say(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')), 'error', /does not speak/],
  ['SSH', say(Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')), 'error', /does not speak/],
  ['zeros', say(Buffer.alloc(1024)), 'error', /does not speak/],
  ['random bytes', say(Buffer.from([...Array(999).keys()].map((n) => (n * 73) % 251))), 'error', /./],
  ['a message without end', say(Buffer.concat([Buffer.from('R'), int(0x7fffffff)])), 'error', /does not speak/],
  ['a negative length', say(Buffer.concat([Buffer.from('R'), int(-5)])), /error|timeout/, /./],
  [
    'a truncated row description',
    say(Buffer.concat([welcome, message('T', Buffer.from([0, 9]))])),
    /error|closed/,
    /./,
  ],
  ['an authentication without a number', say(message('R')), 'error', /does not speak/],
  ['nothing', () => {}, 'timeout', /did not finish the login/],
  ['an end at once', (socket) => socket.end(), 'closed', /closed the connection/],
  ['a reset', (socket) => socket.resetAndDestroy(), 'closed', /./],
  ['one byte each 300 ms', drip(welcome), 'timeout', /did not finish the login/],
  ['notices without end', endless(message('N', 'SWARNING\0C01000\0Mhello\0\0')), 'error', /more than 64 kB/],
  ['parameters without end', first(ok, endless(message('S', 'application_name\0x\0'))), 'error', /more than 64 kB/],
  ['an error of a megabyte', say(message('E', `SFATAL\0C28000\0M${'x'.repeat(1e6)}\0\0`)), 'error', /more than 64 kB/],
  [
    'rows without end, after the login',
    afterwards(welcome, endless(message('D', Buffer.from([0, 1]), 3, 'abc'))),
    'error',
    /more than 64 kB/,
  ],
  ['GSSAPI', say(message('R', 7)), 'auth', /asks for GSSAPI/],
  ['SSPI', say(message('R', 9)), 'auth', /asks for SSPI/],
  ['a method of the future', say(message('R', 99)), 'auth', /authentication method 99/],
  ['SASL without a mechanism', say(sasl()), 'auth', /SCRAM-SHA-256/],
  ['OAUTHBEARER alone', say(sasl('OAUTHBEARER')), 'auth', /SCRAM-SHA-256/],
  ['cleartext after SCRAM', say(Buffer.concat([scram, cleartext])), 'auth', /asks for password after scram/],
  ['cleartext after md5', say(Buffer.concat([md5, cleartext])), 'auth', /asks for password after md5/],
  [
    'cleartext in the middle of the session',
    say(Buffer.concat([welcome, cleartext])),
    /auth|closed/,
    /middle of the session/,
  ],
  ['SCRAM and no proof', say(Buffer.concat([scram, welcome])), 'auth', /without a proof/],
  ['SCRAM to its end, and no proof', knowing({last: () => welcome}), 'auth', /without a proof/],
  [
    'SCRAM with the proof of another password',
    knowing({last: () => Buffer.concat([message('R', 12, proofOf(Buffer.alloc(32))), welcome])}),
    'auth',
    /signature/,
  ],
  ['a proof without SCRAM', say(Buffer.concat([message('R', 12, 'v=AAAA'), welcome])), 'auth', /did not begin/],
  ['a nonce that is not ours', challenge(() => 'r=stranger,s=c2FsdA==,i=4096'), 'auth', /nonce/],
  ['ten million rounds', challenge((nonce) => `r=${nonce}x,s=c2FsdA==,i=10000000`), 'auth', /iteration/],
  ['channel binding without TLS', say(sasl('SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256')), 'auth', /without TLS/],
  [
    'no channel binding, which is required',
    say(scram),
    'auth',
    /channel_binding is require/,
    {channelBinding: 'require'},
  ],
  [
    'trust, with channel binding required',
    say(welcome),
    'auth',
    /let the client in without it/,
    {channelBinding: 'require'},
  ],
  ['trust, with require_auth', say(welcome), 'auth', /asks for no authentication/, {requireAuth: onlyScram}],
  [
    'cleartext, with require_auth',
    say(cleartext),
    'auth',
    /asks for password, and require_auth/,
    {requireAuth: onlyScram},
  ],
  ['md5, with require_auth', say(md5), 'auth', /asks for md5, and require_auth/, {requireAuth: onlyScram}],
  [
    'md5, with require_auth=!md5',
    say(md5),
    'auth',
    /asks for md5, and require_auth \(!md5\)/,
    {requireAuth: negative('!md5', ['scram-sha-256'])},
  ],
  [
    'an offer of TLS with bytes behind it',
    say(Buffer.from('SSextra')),
    'error',
    /does not speak/,
    {sslmode: 'require'},
  ],
]
