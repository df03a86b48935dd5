import type {Mutation} from '../mutation.ts'

/** The gates of pg_hba.conf (docs/guard.md). */
export const guard: readonly Mutation[] = [
  {
    name: 'guard-one-pass-opens',
    rule: 'G7',
    breaks: 'deny to allow takes two passes that agree',
    file: 'actuators/guard/plan.ts',
    text: 'const passesToOpen = 2',
    instead: 'const passesToOpen = 1',
  },
  {
    name: 'guard-own-word',
    rule: 'G5',
    breaks: "a majority and this host's own word are two facts, and each is needed",
    file: 'actuators/guard/plan.ts',
    text: "if (isPrimary !== (own === 'primary'))",
    instead: "if (isPrimary && own === 'silent')",
  },
  {
    name: 'guard-two-primaries',
    rule: 'G4',
    breaks: 'two primaries deny',
    file: 'actuators/guard/plan.ts',
    text: 'if (primaries.length > 1)',
    instead: 'if (primaries.length > 2)',
  },
  {
    name: 'guard-old-lease',
    rule: 'G6',
    breaks: 'an allow ends with its lease',
    file: 'actuators/guard/plan.ts',
    text: 'if (until <= now)',
    instead: 'if (until <= 0)',
  },
  {
    name: 'guard-own-silence',
    rule: 'G3',
    breaks: 'a PostgreSQL that does not answer denies',
    file: 'actuators/guard/plan.ts',
    text: "if (own === 'silent')",
    instead: "if (own === 'silent' && agreed === null)",
  },
  {
    name: 'guard-below-a-line',
    rule: 'G1',
    breaks: 'no line stands above the block',
    file: 'actuators/guard/block.ts',
    text: 'const isWhole = found.start === 0 && kept.length === rest.length',
    instead: 'const isWhole = kept.length === rest.length',
  },
  {
    name: 'guard-unequal-length',
    rule: 'G1',
    breaks: 'allow and deny have the same length, so that a full disk has room for a deny',
    file: 'actuators/guard/block.ts',
    text: 'rules[gate].padEnd(width)',
    instead: 'rules[gate]',
  },
  {
    name: 'guard-contested',
    rule: 'G8',
    breaks: 'a block that another program changes again and again allows nothing',
    file: 'actuators/guard/rewrites.ts',
    text: 'const patience = 2',
    instead: 'const patience = 20',
  },
]
