import {letsWait} from '../../actuators/haproxy/hold-plan.ts'
import {causeGuide} from '../../core/facts/cause-guide.ts'
import {version} from '../cli/connection-test-text.ts'
import type {ConnectTrial} from '../serve/connect-trial.ts'
import {type Finding, fine, found} from './findings.ts'

/** What `config check --connect` found, a line per host, router and source. */
export function connectionFindings(trial: ConnectTrial): readonly Finding[] {
  return [...trial.hosts.flatMap(hostFindings), ...routerFindings(trial), ...sourceFindings(trial)]
}

const hostRemedy = 'Do what the line says, or correct this host in the configuration.'

function hostFindings(host: ConnectTrial['hosts'][number]): readonly Finding[] {
  const {host: about, remarks, notes} = host
  const noted = notes.map((note) => found('note', about, note, hostRemedy))
  if (host.kind === 'failed') {
    const state = ['auth', 'tls', 'dns'].includes(host.cause) ? 'fix' : 'away'
    return [found(state, about, `unavailable (${host.cause}): ${host.detail}`, causeGuide[host.cause].next), ...noted]
  }
  const {role, serverVersion, timeline} = host
  const facts = `${role}, PostgreSQL ${version(serverVersion)}, timeline ${timeline ?? 'unknown'}`
  const remarked = remarks.map((remark) => found('fix', about, remark, hostRemedy))
  return [fine(about, facts), ...remarked, ...noted]
}

function routerFindings({haproxies, servers, pgbouncers}: ConnectTrial): readonly Finding[] {
  return [
    ...haproxies.map(({socket, version: haproxy, problem}) => {
      const about = `haproxy ${socket}`
      if (haproxy === null)
        return found('away', about, problem ?? 'gave no answer', 'Start HAProxy, or correct haproxy.instances.')
      if (problem !== null)
        return found(
          'fix',
          about,
          `HAProxy ${haproxy}: ${problem}`,
          'Add "level admin" to this stats socket in haproxy.cfg.',
        )
      const waits = letsWait(haproxy) ? '' : '; a switchover refuses new clients, from 3.1 on they wait'
      return fine(about, `HAProxy ${haproxy}${waits}`)
    }),
    ...servers.mismatches.map((text) =>
      found('fix', 'servers', text, 'Correct the server in haproxy.cfg, or the host in the configuration.'),
    ),
    ...servers.unknown.map(({host, addresses, seenBy, line}) =>
      found(
        'note',
        `server ${host}`,
        `${seenBy.join(', ')}: ${addresses.join(', ')}, an address of no host`,
        `If it leads to ${host}, write at ${host}: ${line}`,
      ),
    ),
    ...pgbouncers.flatMap(({pgbouncer, version: bouncer, problems}) => [
      ...(bouncer === null ? [] : [fine(pgbouncer, `PgBouncer ${bouncer}`)]),
      ...problems.map((problem) =>
        found(
          bouncer === null ? 'away' : 'fix',
          pgbouncer,
          problem,
          'Correct pgbouncer.ini, or the entry of "pgbouncer"; docs/pgbouncer.md says what it needs.',
        ),
      ),
    ]),
  ]
}

function sourceFindings({repmgr, patroni, pgaf, peers}: ConnectTrial): readonly Finding[] {
  const told = (
    about: string,
    says: string,
    {problems, notes = []}: Readonly<{problems: readonly string[]; notes?: readonly string[]}>,
    remedy: string,
  ) => [
    ...(problems.length === 0 ? [fine(about, says)] : []),
    ...problems.map((problem) => found('fix', about, problem, remedy)),
    ...notes.map((note) => found('note', about, note, remedy)),
  ]
  return [
    ...repmgr.flatMap((one) =>
      told(
        `repmgr ${one.host}`,
        one.node === null ? 'no node' : `node ${one.node.name}, ${one.node.type}`,
        one,
        'Correct repmgr, or "repmgr" of the group: docs/repmgr.md.',
      ),
    ),
    ...patroni.flatMap((one) =>
      told(
        `patroni ${one.group}`,
        one.leader === null ? 'no leader was found' : `${one.leader} leads`,
        one,
        'Correct Patroni, or "patroni" of the group: docs/patroni.md.',
      ),
    ),
    ...pgaf.flatMap((one) =>
      told(
        `pgaf ${one.group}`,
        `the monitor ${one.monitor} knows the hosts`,
        one,
        'Correct the monitor, or "pgaf" of the group: docs/pg-auto-failover.md.',
      ),
    ),
    ...peers.flatMap((one) =>
      told(
        `peer ${one.peer}`,
        one.primaries.length === 0 ? 'sees no primary' : `sees ${one.primaries.join(', ')} as primary`,
        one,
        'Correct the peer, or "peers": docs/peers.md.',
      ),
    ),
  ]
}
