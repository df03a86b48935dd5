/** May stand in no text that an operator sees. */
export const secret = 'hunter2'

const hosts = 'hosts:\n  h1: {host: a}\n  h2: {host: b}\n'
/** The mistake is in the last line. */
export const after = (lines: string) => ({yaml: `${hosts}${lines}\n`, line: 3 + lines.split('\n').length})
const host = (fields: string) => ({yaml: `hosts:\n  h1: {host: a, ${fields}}\n`, line: 2})

export type Mistake = Readonly<{yaml: string; line: number | null; says: RegExp; next: RegExp}>
export type MistakeRow = readonly [string, {yaml: string; line: number | null}, RegExp, RegExp]
export const mistakes: Readonly<Record<string, readonly MistakeRow[]>> = {
  typing: [
    ['a mistyped key', after('bnid: 127.0.0.1'), /bnid is not a known key/, /Did you mean "bind"/],
    ['a mistyped key of a host', host('prot: 5432'), /hosts\.h1\.prot/, /"port"/],
    ['a mistyped value', host('sslmode: requier'), /"requier" is not one of/, /"require"/],
    ['a mistyped confirmation', after('confirm: [folowers]'), /"folowers"/, /"followers"/],
    [
      'a mistyped host in a group',
      after('groups: {g: [h1, h3]}'),
      /groups\.g\[1\]: "h3" is not the name of a host/,
      /"h1"|h1, h2/,
    ],
    ['a mistyped level', after('loglevel: verbose'), /loglevel: "verbose"/, /Write debug or info/],
    ['dash for underscore', after('state-dir: /tmp'), /state-dir is not a known key/, /"state_dir"/],
    ['camel case', host('sslMode: require'), /sslMode is not a known key/, /"sslmode"/],
    ['a key of another tool', host('database: x, dbname: y, db: z'), /database is not a known key/, /"dbname"/],
    ['a mistyped backend role', after('haproxy: {backends: {w: master}}'), /haproxy\.backends\.w: "master"/, /primary/],
    [
      'a mistyped verdict of a hook',
      after('hooks: [{run: [/bin/true], on: [splitbrain]}]'),
      /"splitbrain"/,
      /"split-brain"/,
    ],
    ['smart quotes', after('bind: “127.0.0.1”'), /bind .*not an address/, /Write the address/],
  ],
  type: [
    [
      'a list of hosts',
      {yaml: 'hosts:\n- a\n- b\n', line: 1},
      /hosts is a list, not a mapping/,
      /Write a name per entry/,
    ],
    ['a text for a mapping', after('probe: fast'), /probe is a single value, not a mapping/, /Write keys below it/],
    ['a mapping for a text', after('bind: {host: a}'), /bind is a mapping, not a single value/, /Write one value/],
    ['a text for a list', after('confirm: followers'), /confirm is a single value, not a list/, /Write a list/],
    ['a number without unit', after('probe: {timeout: 5}'), /"5" is a number without a unit/, /"5s"/],
    ['an unknown unit', after('probe: {timeout: 5sec}'), /"5sec"/, /unit/],
    ['a negative duration', after('probe: {timeout: -1s}'), /"-1s"/, /unit|Write/],
    ['a port that is none', host('port: 99999'), /"99999" is not a whole number/, /from 1 to 65535/],
    ['a port that is text', after('port: https'), /port: "https"/, /Write one from 0/],
    ['a port in bind', after('bind: 127.0.0.1:80'), /bind: "127\.0\.0\.1:80"/, /The key port/],
    ['a flag that is none', host('sslsni: maybe'), /"maybe" is neither true nor false/, /Write true or false/],
    [
      'two hosts in one entry',
      {yaml: 'hosts:\n  h1: {host: "a,b"}\n', line: 2},
      /is not one host name/,
      /one host per entry/,
    ],
  ],
  order: [
    ['max_age too short', after('probe: {interval: 5s, timeout: 5s, max_age: 3s}'), /max_age/, /10s/],
    ['a group of one that confirms', after('groups: {g: {hosts: [h1], confirm: [followers]}}'), /groups\.g/, /./],
    ['evidence without a witness', after('on_split_brain: follow-evidence'), /follow-evidence/, /confirm/],
    ['no hosts', {yaml: 'bind: 127.0.0.1\n', line: null}, /hosts names no host/, /Add "hosts:"/],
    [
      'a reserved name',
      {yaml: 'hosts:\n  all: {host: a}\n', line: 2},
      /hosts\.all cannot be the name/,
      /Choose another/,
    ],
    [
      'password and its file',
      host('password: aHVudGVyMg==, password_file: x'),
      /password and password_file/,
      /Keep one/,
    ],
    [
      'TLS that is too weak for system',
      host('sslrootcert: system, sslmode: require'),
      /sslmode is require/,
      /verify-full/,
    ],
    [
      'binding without TLS',
      host('sslmode: disable, channel_binding: require'),
      /channel_binding is require/,
      /verify-full/,
    ],
    ['GSSAPI', host('gssencmode: require'), /gssencmode requires GSSAPI/, /verify-full/],
    ['min above max', host('ssl_min_protocol_version: TLSv1.3, ssl_max_protocol_version: TLSv1.2'), /older/, /between/],
    ['a service that is not there', host('service: nosuch'), /names a service/, /PGSERVICEFILE/],
    ['one port twice', after('port: PORT\nagent: {port: PORT}'), /PORT, the port of port too|PORT/, /another port/],
  ],
  secrets: [
    ['a plain password', host(`password: ${secret}!`), /password is not base64/, /password_encoding: plain/],
    [
      'a password with a comma',
      {yaml: `hosts:\n  h1: {host: a, password: x,${secret}!}\n`, line: 2},
      /unknown key \(not shown/,
      /quotes/,
    ],
    ['a password in the port', host(`port: ${secret}!`), /port is not a whole number/, /Write one from/],
    [
      'a tag that is a password',
      {yaml: `hosts:\n  h1: {password: !${secret} x}\n`, line: 2},
      /is not valid YAML/,
      /Quote a value/,
    ],
    [
      'an alias that is a password',
      {yaml: `hosts:\n  h1: {password: *${secret}}\n`, line: 2},
      /is not valid YAML/,
      /Quote a value/,
    ],
    ['a tab', {yaml: 'hosts:\n\th1: {host: a}\n', line: 2}, /is not valid YAML/, /Fix the file there/],
    ['a key twice', {yaml: 'hosts: {h1: {host: a}}\nbind: ::1\nbind: ::1\n', line: 3}, /is not valid YAML/, /./],
    ['a bracket that is open', {yaml: 'hosts: {h1: {host: a}\n', line: 2}, /is not valid YAML/, /Fix the file/],
    ['an empty file', {yaml: '', line: null}, /is empty/, /pgroute66 init/],
  ],
  TLS: [
    [
      'cert and key swapped',
      after('ssl: {cert_file: DIR/server.key, key_file: DIR/server.crt}'),
      /holds a private key/,
      /PEM|certificate/,
    ],
    [
      'a key of another certificate',
      after('ssl: {cert_file: DIR/ca.crt, key_file: DIR/server.key}'),
      /do not belong together/,
      /Use the key/,
    ],
    [
      'a certificate that is missing',
      after('ssl: {cert_file: DIR/no.crt, key_file: DIR/server.key}'),
      /no\.crt.*ENOENT/,
      /Create it/,
    ],
    [
      'a certificate that is a pipe',
      after('ssl: {cert_file: DIR/fifo, key_file: DIR/server.key}'),
      /fifo.*not a plain file/,
      /./,
    ],
    ['cert without key', after('ssl: {cert_file: DIR/server.crt}'), /ssl\.key is missing/, /Set key or key_file/],
    [
      'an expired certificate',
      after('ssl: {cert_file: DIR/old.crt, key_file: DIR/old.key}'),
      /has expired \(2021/,
      /Renew/,
    ],
    [
      'a certificate of the future',
      after('ssl: {cert_file: DIR/new.crt, key_file: DIR/new.key}'),
      /is not valid before 2099/,
      /clock/,
    ],
    [
      'PEM for base64',
      after('ssl: {cert: "-----BEGIN CERTIFICATE-----", key: eA==}'),
      /is PEM, not base64/,
      /base64 -w0/,
    ],
  ],
  file: [
    ['a log in a missing folder', after('logfile: DIR/no/x.log'), /logfile names .*no.*ENOENT/, /Create it/],
    ['a log that is a folder', after('logfile: DIR/dir'), /logfile names .*dir.*EISDIR/, /Name a file/],
    [
      'a state that is a file',
      after('state_dir: DIR/file'),
      /state_dir names .*file.*ENOTDIR/,
      /a part of it is a file/,
    ],
    [
      'a socket that is a file',
      after('socket: DIR/file'),
      /socket names .*file, which is not a socket/,
      /another path/,
    ],
    [
      'a group that is missing',
      after('socket: DIR/s\nsocket_group: nosuchgroup'),
      /no group "nosuchgroup"/,
      /socket_group/,
    ],
    ['a hook that is missing', after('hooks: [{run: [/no/such/page-me]}]'), /\/no\/such\/page-me/, /Install it/],
    [
      'a hook that is not executable',
      after('hooks: [{run: [DIR/script]}]'),
      /script, which cannot be run \(EACCES\)/,
      /chmod \+x/,
    ],
    [
      'a folder of PgBouncer',
      after('pgbouncer: [{admin: "postgres://p@h/pgbouncer", include: DIR/no/x.ini, databases: {a: primary}}]'),
      /include names .*no/,
      /Create it/,
    ],
    ['a socket too long', after(`socket: /${'x'.repeat(120)}`), /socket .*(long|characters|bytes)/, /./],
  ],
  port: [
    ['a port that is taken', after('port: TAKEN'), /port is TAKEN, and another process listens/, /another port/],
    ['an agent on a taken port', after('port: 0\nagent: {port: TAKEN}'), /agent\.port is TAKEN/, /another port/],
    [
      'an address of another machine',
      after('port: 0\nbind: 192.0.2.66'),
      /bind is 192\.0\.2\.66, which is no address/,
      /0\.0\.0\.0/,
    ],
  ],
}
