/** What this page does not show, and what pgroute66 cannot know. Sentences for an operator. */
export const notCovered: readonly string[] = [
  'The search explores one or two daemons that ask two or three servers, with few commits, timelines and faults. It ' +
    'has no clock, no slow network and no moved names. Random histories play these: ' +
    'npx vitest run --config test/vitest.config.ts test/scenarios/histories.test.ts.',
  '"Never two" holds for one daemon. Several daemons that see different halves of a network can disagree, unless ' +
    'confirm: [followers] is set, and the HA tool promotes no sooner than probe.max_age after it cut the old primary ' +
    'off.',
  'pgroute66 routes, and does not fence. A client that connects to an old primary directly, past the router, can ' +
    'write to it.',
  'Positions in the WAL are compared, not contents. A server that lost data and has written past it before pgroute66 ' +
    'ever saw it, without a standby that holds more, looks like any primary. confirm: [followers] closes this: a ' +
    'diverged standby cannot stream.',
  'What the daemon remembers is in state_dir. Without it, a restart forgets split brains and losses, and only what ' +
    'the hosts show counts.',
  'A quiet cluster proves little of a primary that is out of sight: the last message of its standbys is too old, so ' +
    'the primary is not sustained, and writers wait.',
  'A server that lies, a PostgreSQL with a bug in replication, and storage that loses what it had confirmed are not ' +
    'played here.',
  'The scenes run on one version of PostgreSQL on one machine over the loopback network. The laboratory also runs 13 ' +
    'and 18; versions 10 to 12 are covered by the documentation of PostgreSQL alone.',
  'Logical replication, managed services and Windows are not played here.',
]
