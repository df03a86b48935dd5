/**
 * The vocabulary of the whole system: the config, the API, the log and the screens use the same
 * words.
 */

export type Role = 'primary' | 'standby' | 'unavailable'

/**
 * Why a host is unavailable. Every cause is something that was seen; "cannot tell" is never folded
 * into another one. What each means to an operator: facts/cause-guide.ts.
 */
export const causes = [
  'refused',
  'timeout',
  'closed',
  'not-accepting',
  'hung',
  'auth',
  'tls',
  'dns',
  'too-many-connections',
  'foreign-cluster',
  'duplicate',
  'stale',
  'error',
] as const
export type Cause = (typeof causes)[number]

/**
 * The fault is in our own configuration or permissions: such a host cannot be judged, and "no
 * primary" may then be wrong.
 */
export const isBlind = (cause: Cause | null): boolean => cause === 'auth' || cause === 'tls' || cause === 'dns'

/** The host sent no answer. It may still be alive, and may still accept writes. */
export const isSilent = (cause: Cause | null): boolean =>
  cause !== null && cause !== 'refused' && cause !== 'foreign-cluster' && cause !== 'duplicate'

export type VerdictKind = 'primary' | 'no-primary' | 'split-brain' | 'unconfirmed' | 'starting'
/** What each rule means to an operator: verdict/rules.ts. */
export type Rule = 'V0' | 'V1' | 'V2' | 'V3' | 'V4' | 'V5'

/** What one source of evidence says about a host. "silent" is its own answer, never a "denies". */
export type Answer = 'confirms' | 'denies' | 'silent'

/** Patroni's words for what a router may ask about a host (DESIGN 4.4). */
export const predicates = [
  'primary',
  'read-write',
  'leader',
  'replica',
  'read-only',
  'sync',
  'synchronous',
  'async',
  'asynchronous',
  'read-only-sync',
  'quorum',
  'read-only-quorum',
  'standby-leader',
  'health',
] as const
export type Predicate = (typeof predicates)[number]
