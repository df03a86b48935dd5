/**
 * A fault that our laboratory found in the product on real servers, before its first release.
 * `did`: what the product did. `now`: what it does in the version of this tree.
 */
export type Fault = Readonly<{
  name: string
  did: string
  now: string
  /** A test that shows the fault: it fails without the rule. `null`: not closed yet. */
  shown: Shown | null
}>

/** `title`: a part of the name of the test, without characters that a regular expression knows. */
export type Shown = Readonly<{
  file: string
  title: string
  /** `lab`: root on Linux, for network namespaces; `postgresql`: a real server; `simulation`: neither. */
  on: 'lab' | 'postgresql' | 'haproxy' | 'pgbouncer' | 'sockets' | 'simulation'
}>

export const faults: readonly Fault[] = [
  {
    name: 'The first primary returns alone',
    did: 'Routed writes to a host that lacked everything since its death; a fresh start remembered nothing.',
    now: 'A standby of the successor tells of a later timeline, or holds WAL that the host lacks: no route (V2).',
    shown: {file: 'test/lab/ahead.test.ts', title: 'the first primary returns alone', on: 'postgresql'},
  },
  {
    name: 'Two promotions with one timeline number',
    did: 'Took the second timeline 2 for the first, and routed to a host with 1 of 5,001 rows.',
    now: 'A timeline is its number and its writer: each of the two is ahead of the other (V2).',
    shown: {file: 'test/lab/ahead.test.ts', title: 'two hosts are promoted to one timeline', on: 'postgresql'},
  },
  {
    name: 'A firewall refuses in the name of a living rival',
    did: 'Ended the split brain after 1.5 s and routed to the other host, while the rival took writes.',
    now: 'A refusal is no death. The split brain stays until the rival says that it stops.',
    shown: {file: 'test/lab/split-brain.test.ts', title: 'a firewall refuses in the name of a living rival', on: 'lab'},
  },
  {
    name: 'A primary writes past what it lost',
    did: 'Forgot the loss as soon as the position of the primary was beyond it.',
    now: 'What is lost stays lost, until the host is a standby or an operator accepts it.',
    shown: {file: 'test/lab/ahead.test.ts', title: 'also once it has written past', on: 'postgresql'},
  },
  {
    name: 'A server of HAProxy with the name of one host and the address of another',
    did: 'Answered 200 by the name, and HAProxy sent writers to a standby.',
    now: 'The name decides only where the address is no other host. Else the server is stopped.',
    shown: {
      file: 'test/actuators/haproxy-match.test.ts',
      title: 'its server host1 is up at the address of host2',
      on: 'haproxy',
    },
  },
  {
    name: 'The daemon of another cluster on the default socket',
    did: 'Gave a standby exit code 0 as a primary.',
    now: 'check says which hosts it means, and a daemon that does not watch them counts as absent.',
    shown: {
      file: 'test/cli/two-clusters.test.ts',
      title: 'two clusters with the same names',
      on: 'postgresql',
    },
  },
  {
    name: 'Two daemons, and a host that both can see',
    did: 'Both were "confirmed by majority" and routed to two living primaries for nine minutes.',
    now: 'majority is denied while a standby hears from another host; only followers is exclusive.',
    shown: {file: 'test/lab/bridge.test.ts', title: 'two daemons and a bridge', on: 'lab'},
  },
  {
    name: 'A DNS name moves to another server',
    did: 'Stayed with the session on the old server for ever, and routed to it.',
    now: 'A knock that reaches another server opens the session anew.',
    shown: {
      file: 'test/sources/pg-moved-name.test.ts',
      title: 'a name moves while its old server lives',
      on: 'sockets',
    },
  },
  {
    name: 'A primary restored from an earlier copy',
    did: 'Routed to it: "2 of 2 stream from it". Its diverged standbys stayed readable.',
    now: 'It is below what it had flushed, or what a standby received from it: no route (V2).',
    shown: {file: 'test/lab/ahead.test.ts', title: 'a primary restored from an earlier copy', on: 'postgresql'},
  },
  {
    name: 'An accidental promotion, healed by the book',
    did: 'Refused the next real failover until a human came.',
    now: 'accept voids exactly what it overrules, and a rebuild ends that.',
    shown: {file: 'test/lab/ahead.test.ts', title: 'an accidental promotion, healed by the book', on: 'postgresql'},
  },
  {
    name: 'A round trip of 250 ms and more, with TLS',
    did: 'Called every healthy host hung; writers were down for good.',
    now: 'Time limits adapt to the measured round trip.',
    shown: {file: 'test/lab/distant-host.test.ts', title: 'a round trip of 800 ms', on: 'lab'},
  },
  {
    name: 'A daemon on a busy machine',
    did: 'Called a healthy primary unavailable seven times in 25 minutes.',
    now: 'A limit that fires late waits until the sockets were read.',
    shown: {file: 'test/sources/pg-own-delay.test.ts', title: 'a blocked event loop fails no host', on: 'sockets'},
  },
  {
    name: 'Defaults of the role that slow or change a question',
    did: 'Timed out behind the transaction of another client, or called PostgreSQL a pooler.',
    now: 'The session sets what its questions need, before the first of them.',
    shown: {
      file: 'test/sources/pg-session.test.ts',
      title: 'defaults of the role do not change the probe',
      on: 'postgresql',
    },
  },
  {
    name: 'A function that the server denies',
    did: 'Called every host of a managed service unavailable, with advice that did not help.',
    now: 'Only pg_is_in_recovery() is required; another fact is unknown, and a warning has the GRANT.',
    shown: {
      file: 'test/sources/pg-denied.test.ts',
      title: 'each other fact than the role is unknown',
      on: 'postgresql',
    },
  },
  {
    name: 'A standby that replays an hour late on purpose',
    did: 'Answered 200 for a lag limit of 1 MB.',
    now: 'A delayed standby is no replica, unless its host says so.',
    shown: {file: 'test/core/eligibility.test.ts', title: 'offers no delayed standby', on: 'simulation'},
  },
  {
    name: 'A server that answers without end',
    did: 'Took a gigabyte of memory in ten seconds.',
    now: 'An answer has at most 64 kB and 1,000 rows.',
    shown: {file: 'test/sources/pg-answer-size.test.ts', title: 'without end', on: 'sockets'},
  },
  {
    name: 'The way between the daemon and the primary ends, and the primary lives',
    did: 'Took the writers down for as long as the way was closed.',
    now: 'The primary stays routed while most hosts go on receiving from it (V4u).',
    shown: {
      file: 'test/lab/sustained.test.ts',
      title: 'a primary that only the daemon cannot reach stays routed',
      on: 'lab',
    },
  },
  {
    name: 'The worse of two standbys is promoted',
    did: 'Said nothing of the writes that the other standby still had.',
    now: 'Tells the host and the bytes, or refuses with on_lossy_promotion: refuse.',
    shown: {file: 'test/lab/ahead.test.ts', title: 'the worse of two standbys is promoted', on: 'postgresql'},
  },
  {
    name: 'The daemon is silent for 0.3 s',
    did: 'HAProxy cut the session of every writer (styles httpchk and external).',
    now: 'Silence cuts no session; an explicit "no" does.',
    shown: {
      file: 'test/actuators/haproxy-silence.test.ts',
      title: 'cuts no session, and changes no server',
      on: 'haproxy',
    },
  },
  {
    name: 'The host of readers vanishes without a word',
    did: 'Their sessions hung for the timeout server of HAProxy, an hour.',
    now: 'They end after some ten seconds.',
    shown: {file: 'test/lab/vanished-server.test.ts', title: 'a server that vanishes without a word', on: 'lab'},
  },
  {
    name: 'Two PgBouncers behind one address',
    did: 'Paused half of the clients for ever, and said "in order".',
    now: 'Nothing is paused where a second process is found; one entry for each process is the remedy.',
    shown: {
      file: 'test/actuators/pgbouncer-processes.test.ts',
      title: 'another process behind it is found by its sessions, and nothing is paused',
      on: 'pgbouncer',
    },
  },
  {
    name: 'Crash and promotion at the same moment',
    did: 'Gave no verdict for 20 s, once in 27 runs with a fast interval of 20 ms.',
    now: 'Not closed yet.',
    shown: null,
  },
]

/** The one command that shows it, in a clone of the repository. */
export const commandOf = ({file, title}: Shown): string =>
  `npx vitest run --config test/vitest.config.ts ${file} -t "${title}"`
