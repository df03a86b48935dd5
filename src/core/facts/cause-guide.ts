import type {Cause} from '../vocabulary.ts'

/** What a cause means to an operator. Sentences in Markdown; a command stands in backticks. */
export type CauseText = Readonly<{
  meaning: string
  /** What to do next. */
  next: string
  /** Heading of the runbook's section with more about it. */
  section?: string
}>

/**
 * Why a host is unavailable, as runbook, manual and `doctor` print it; the daemon does not load this file.
 */
export const causeGuide: Readonly<Record<Cause, CauseText>> = {
  refused: {
    meaning: 'Nothing listens: PostgreSQL crashed or was stopped.',
    next: 'Start PostgreSQL, and read its log.',
  },
  timeout: {
    meaning: 'The host does not answer within `probe.timeout`, or the network has no route to it.',
    next: 'Look at the machine, the network and the firewall, then at CPU and disk of the host.',
  },
  closed: {
    meaning: 'The connection ended, and no new one could be opened.',
    next: 'Do as for `refused`. Look for a proxy or firewall that ends sessions.',
  },
  'not-accepting': {
    meaning: 'PostgreSQL is starting, recovering or shutting down.',
    next: "Wait. PostgreSQL's log says how far it is.",
  },
  hung: {
    meaning:
      'The old session answers, but PostgreSQL accepts no new one; or a heartbeat cannot be committed ' +
      '(`availability`).',
    next:
      'Do not trust the host: stop it hard and promote another. Look at its disk and at the states of its ' +
      'processes.',
  },
  auth: {
    meaning: 'PostgreSQL or the operating system does not let pgroute66 in.',
    next:
      'Check the password (plain where base64 is expected: `password_encoding: plain`), `pg_hba.conf`, the name ' +
      'of the database, and the permissions of the socket.',
    section: 'Blind: auth, tls, dns',
  },
  tls: {
    meaning: 'The TLS handshake fails, or the certificate is not accepted.',
    next:
      'Check `sslrootcert`, the name and the end date of the certificate, and whether pgroute66 can read its ' +
      'files.',
    section: 'Blind: auth, tls, dns',
  },
  dns: {
    meaning: 'The name does not resolve.',
    next: 'Correct the name, or set `hostaddr` beside `host`.',
    section: 'Blind: auth, tls, dns',
  },
  'too-many-connections': {
    meaning: 'PostgreSQL has no free connection slot for pgroute66.',
    next:
      'Raise `max_connections`, and look for leaked sessions. From PostgreSQL 16 on, reserve some: ' +
      '`reserved_connections`, `GRANT pg_use_reserved_connections TO pgroute66`.',
  },
  'foreign-cluster': {
    meaning: 'A server of another cluster answers at this address: its `system_identifier` differs.',
    next: 'Correct the address. If you re-created the cluster on purpose, run `pgroute66 accept HOST`.',
  },
  duplicate: {
    meaning: 'Two names of the configuration lead to one server.',
    next: 'Remove one of the two names.',
  },
  stale: {
    meaning: 'The last answer of the host is older than `probe.max_age`.',
    next: 'Look at the machine of the daemon, not at PostgreSQL.',
    section: 'Stale',
  },
  error: {
    meaning: 'Anything else, for example a connection pooler where PostgreSQL should be.',
    next: "Read the detail. Configure PostgreSQL's own port, not the pooler's.",
  },
}
