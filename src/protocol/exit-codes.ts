/** `check` has an answer. */
export type CheckExit = 0 | 1 | 3 | 4 | 5
/** A command failed. 2: the operator can fix it. 70: a bug (sysexits.h, EX_SOFTWARE). */
export type ErrorExit = 2 | 70

/** As README and manual print them: the generator alone needs more of this file than its types. */
export const exitCodes: Readonly<Record<CheckExit | ErrorExit, string>> = {
  0: 'The host has the requested role. Without HOST: there is exactly one primary, and it is confirmed.',
  1: 'The host is up, but does not have the requested role, is beyond `--max-lag`, or is drained.',
  2: 'The usage or the configuration is wrong.',
  3: 'The host is unavailable.',
  4: 'The verdict is split-brain, unconfirmed or starting.',
  5: 'There is no primary. Only without HOST.',
  70: 'There is a bug in pgroute66.',
}
