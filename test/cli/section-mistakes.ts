import {after, type MistakeRow, secret} from './mistake-rows.ts'

/** Mistakes in the sections that only some installations have. */
export const sectionMistakes: readonly MistakeRow[] = [
  [
    'a URL without http in cluster',
    after('cluster: {set: prod, id: lb1, url: "https://lb1:8443", etcd: {endpoints: ["10.0.0.1:2379"]}}'),
    /cluster\.etcd\.endpoints\[0\]: "10\.0\.0\.1:2379" is not the URL/,
    /http:\/\/HOST:PORT/,
  ],
  [
    'a set with a blank in its name',
    after('cluster: {set: "a b", id: lb1, url: "https://lb1:8443", etcd: {endpoints: ["https://e:2379"]}}'),
    /cluster\.set is not a name/,
    /letters, digits/,
  ],
  [
    'a password in the URL of an instance',
    after(`cluster: {set: p, id: a, url: "https://u:${secret}@a:1", etcd: {endpoints: ["https://e:2379"]}}`),
    /cluster\.url is not the URL of an instance/,
    /https:\/\/HOST:PORT/,
  ],
  ['a mistyped key of guard', after('guard: {usres: {}}'), /guard\.usres is not a known key/, /"users"/],
  [
    'a mask that is none',
    after('local: h1\nguard: {users: {read_write: [app]}, addresses: [10.0.0.0/40]}'),
    /guard\.addresses\[0\]: "10\.0\.0\.0\/40" is not an address/,
    /\/32/,
  ],
  ['rejoin without programs', after('rejoin: {pgdata: data}'), /rejoin\.bin is missing/, /pg_config --bindir/],
  [
    'a number of commits that is none',
    after('rejoin: {pgdata: /data, bin: /bin, max_loss_commits: many}'),
    /rejoin\.max_loss_commits: "many"/,
    /from 0 to/,
  ],
  [
    'a command that is no list',
    after('rejoin: {pgdata: /data, bin: /bin, start: systemctl}'),
    /rejoin\.start is a single value, not a list/,
    /Write a list/,
  ],
  ['a certificate of gRPC without key', after('grpc: {tls: {cert_file: x}}'), /grpc\.tls\.key is missing/, /key_file/],
  ['local of no host', after('local: h9'), /local: "h9" is not the name of a host/, /"h1"/],
  [
    'a version of Patroni that is none',
    after('local: h1\nlocal_api: {patroni: {local_version: four}}'),
    /local_api\.patroni\.local_version: "four"/,
    /4\.1\.0/,
  ],
  [
    'a port of primgr that is none',
    after('local: h1\nlocal_api: {primgr: {port: 70000}}'),
    /local_api\.primgr\.port: "70000"/,
    /from 0 to 65535/,
  ],
  ['Patroni without URLs', after('patroni: {scope: main}'), /patroni\.urls is missing/, /http:\/\/HOST:8008/],
  [
    'a password in a URL of Patroni',
    after(`patroni: {scope: main, urls: ["http://u:${secret}@h1:8008"]}`),
    /patroni\.urls\[0\] is not the URL/,
    /http:\/\/HOST:PORT/,
  ],
  ['a node of no host', after('repmgr: {node: {h9: n1}}'), /repmgr\.node\.h9: "h9"/, /"h1"/],
  ['repmgr that is not there', after('confirm: [repmgr]'), /requires repmgr, and the key repmgr is missing/, /dbname/],
  ['a monitor that is missing', after('pgaf: {formation: default}'), /pgaf\.monitor is missing/, /postgres:\/\//],
  [
    'a mistyped keyword of the monitor',
    after(`pgaf: {monitor: "postgres://u:${secret}@m/x?prot=1"}`),
    /pgaf\.monitor has an unknown keyword/,
    /"port"/,
  ],
  ['a peer without a scheme', after('peers: [lb2]'), /peers\[0\] is not the URL of a peer/, /https:\/\/HOST:PORT/],
  [
    'a password in the URL of a peer',
    after(`peers: ["https://u:${secret}@lb2:8443"]`),
    /peers\[0\] is a URL with a user or a password/,
    /https:\/\/HOST:PORT/,
  ],
  ['a mistyped key of a peer', after('peers: [{url: "https://l:1", ca: x}]'), /peers\[0\]\.ca is not/, /"ca_file"/],
  ['a witness by another protocol', after('witness: "ftp://w"'), /witness is not the URL/, /https:\/\/HOST:PORT/],
  ['a profile that is none', after('profile: slow'), /profile: "slow" is not one of/, /fast or normal or wan/],
  [
    'max_age against the profile',
    after('profile: fast\nprobe: {max_age: 100ms}'),
    /probe\.max_age is 100ms, less than/,
    /Set it to 1s/,
  ],
]
