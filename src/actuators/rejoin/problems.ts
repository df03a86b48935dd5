import type {Fork} from './loss.ts'
import {isPrimary, type LocalState, type Mark} from './state.ts'

/** Why a run ends as it does, for pages and for `--help`. */
export const rejoinExits = {
  0: 'The host is a streaming standby now, or there is nothing to do.',
  1: 'Commits past the fork would be lost: run it with `--accept-loss`, or raise `max_loss_commits` for `--auto`.',
  2: 'The usage or the configuration is wrong.',
  4: 'No other primary is confirmed: hosts or peers are silent or disagree, or its timeline is not higher.',
  6: 'Another rejoin runs on this data directory.',
  7: 'Patroni or pg_auto_failover keeps this server.',
  8: 'The other primary is another cluster, or this host is none of its ancestors.',
  9: 'A rewind and a clone are both impossible, or a backup is running.',
  10: 'An earlier rejoin was interrupted while the data directory was mixed: only a clone is possible.',
  11: 'A step failed after the first change. The message says what to run next.',
  70: 'There is a bug in pgroute66.',
} as const
export type RejoinExit = keyof typeof rejoinExits

/** Why nothing is done, or done no further. `next`: one sentence for the operator. */
export type Refusal = Readonly<{exit: RejoinExit; why: string; next: string}>

export const refusal = (exit: RejoinExit, why: string, next: string): Refusal => ({exit, why, next})

/** What speaks against a rejoin before any other host is asked. */
export function problemOfLocal(host: string, local: LocalState): Refusal | null {
  if (local.manager !== null)
    return refusal(7, `${local.manager}: that tool brings ${host} back, and rejoin does not`, 'Use that tool.')
  if (!isPrimary(local)) return refusal(0, `${host} is a standby (${local.control.state}): there is nothing to do`, '')
  return null
}

/** `source`: name of the confirmed primary. */
export function problemOfSource(
  host: string,
  local: LocalState,
  source: Readonly<{name: string; timeline: number; systemIdentifier: string}>,
): Refusal | null {
  const {name, timeline, systemIdentifier} = source
  if (systemIdentifier !== local.control.systemIdentifier)
    return refusal(
      8,
      `${name} is another cluster: ${systemIdentifier}, and ${host} is of ${local.control.systemIdentifier}`,
      `Correct the address of ${name}, or rejoin.pgdata.`,
    )
  if (timeline <= local.timeline)
    return refusal(
      4,
      `${name} is on timeline ${timeline}, and ${host} on ${local.timeline}: the other primary must be on a higher one`,
      `Find out which of the two is the primary: "pgroute66 check" and the runbook say how.`,
    )
  return null
}

/** Room for a copy of the source, and for what is kept. */
const spare = 1.1

/** What a copy of the other primary needs; `null`: it can be made. */
export function problemOfClone(local: LocalState, sourceBytes: number): string | null {
  if (local.hasTablespaces) return 'there are tablespaces, whose folders a clone would share with the old data'
  if (local.isWalElsewhere) return 'pg_wal is a link, which a clone would replace by a folder'
  if (local.isMountPoint) return 'the data directory is a mount point, which cannot be moved aside'
  if (local.freeBytes < sourceBytes * spare)
    return `it needs ${megabytes(sourceBytes * spare)} beside pgdata, and ${megabytes(local.freeBytes)} are free`
  return null
}

/** What a rewind needs; `null`: it can be done. */
export function problemOfRewind({control, isMountPoint}: LocalState, fork: Fork): string | null {
  if (isMountPoint) return 'the data directory is a mount point, which cannot be renamed while it is mixed'
  if (!control.hasChecksums && !control.hasHints)
    return 'pg_rewind needs data checksums or wal_log_hints, and this server has neither'
  return fork.loss.doubt === null ? null : `the WAL past the fork cannot be read (${fork.loss.doubt})`
}

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MB`

export function unconfirmed(host: string, kind: 'none' | 'unconfirmed', why: string): Refusal {
  if (kind === 'none') return refusal(0, `${host} is no stray primary: ${why}`, '')
  const next = 'Restore the way to the other hosts and peers, then run this again.'
  return refusal(4, `no other primary is confirmed: ${why}`, next)
}

export const noAncestor = (
  host: string,
  timeline: number,
  source: Readonly<{name: string; timeline: number}>,
): Refusal =>
  refusal(
    8,
    `timeline ${timeline} of ${host} is no ancestor of timeline ${source.timeline} of ${source.name}`,
    `Save what you need from ${host}, then rebuild it by hand: no program can tell what both have.`,
  )

/** Which of the two is the data of this host cannot be told, and a clone would take one away. */
export const bothThere = ({pgdata, work}: Readonly<{pgdata: string; work: string}>): Refusal =>
  refusal(
    10,
    `${pgdata} and ${work} both exist, and one of them is not of an interrupted rejoin`,
    'Look at both (a start or an initdb may have made one), move away what is not of this host, then run this again.',
  )

/** The stop and the archive took their time: what is followed has to be the primary still. */
export const noLonger = (source: string, why: string): Refusal =>
  refusal(4, `${source} is no longer confirmed: ${why}`, 'This host stays stopped. Run "pgroute66 rejoin" again.')

/** The same refusal once the server is stopped: what is to be saved is read from a server that runs. */
export const afterStop = (host: string, why: Refusal): Refusal => ({
  ...why,
  next:
    `${host} stays stopped. To save commits, start it with listen_addresses = '' so that no client reaches it, ` +
    'stop it again, then run "pgroute66 rejoin --accept-loss".',
})

/** `path`: of the mark. */
export const interrupted = ({phase, source, archive}: Mark, path: string): Refusal =>
  refusal(
    10,
    `an earlier rejoin from ${source} was interrupted (${phase}: ${path}); its archive is ${archive}`,
    'Run "pgroute66 rejoin --clone": it moves the old data aside and copies the primary.',
  )
