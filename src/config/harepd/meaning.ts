import {formatDuration} from '../../core/duration.ts'
import {enumerate} from '../../core/phrases.ts'
import type {HarepdFile} from './harepd-file.ts'

/** The pace of a guard that runs by harepd's file. */
export type HarepdPace = Readonly<{intervalMs: number; deadlineMs: number; leaseMs: number}>

const longestIntervalMs = 1_000
const usualLeaseMs = 5_000

/**
 * `watchDog` is longer than a guard should wait. `connectionDeadline` is for one neighbour there,
 * and for a whole pass here. The lease is the shortest that a lost answer does not end.
 */
export function paceOf({watchDogMs, deadlineMs}: Pick<HarepdFile, 'watchDogMs' | 'deadlineMs'>): HarepdPace {
  const intervalMs = Math.min(watchDogMs, longestIntervalMs)
  const leaseMs = Math.max(usualLeaseMs, 3 * intervalMs + deadlineMs, 2 * (intervalMs + deadlineMs))
  return {intervalMs, deadlineMs, leaseMs}
}

/**
 * What the file means for this host, in sentences. They are said at each start: not all of it is
 * what it looks like.
 */
export function meaningOf(file: HarepdFile): readonly string[] {
  const {intervalMs, deadlineMs, leaseMs} = paceOf(file)
  const from = enumerate(file.servers)
  const wire = file.tls === null ? 'in the clear, so the network between can forge the answers' : 'over TLS 1.3'
  const asked = [...file.neighbours, ...(file.witness === null ? [] : [`the witness ${file.witness}`])]
  const where = file.primaryIp === null ? '' : ` at ${file.primaryIp}`
  const [interval, watchDog, deadline] = [intervalMs, file.watchDogMs, deadlineMs].map(formatDuration)
  return [
    `This host is the node ${file.nodeName}${where}. Its rules are in ${file.hbaFile}.`,
    `The user ${file.readWrite} comes in from ${from} to the database of its own name by ${file.allow}, on the ` +
      `agreed primary alone. Everywhere else it meets ${file.deny}.`,
    file.readOnly === null
      ? 'No user of readers is gated, because allowRO is false.'
      : `The user ${file.readOnly} comes in on the agreed primary, and on standbys that agree.`,
    'Users of applications are not gated, because this file names the users of HAProxy alone. A section "guard:" of ' +
      'pgroute66 names both.',
    `The guard asks ${enumerate(asked)} ${wire}.`,
    ...(file.serverName === null
      ? []
      : [`Their certificates must carry the name ${file.serverName}: serverHostOverride, which harepd never uses.`]),
    `A pass begins each ${interval} (watchDog is ${watchDog}), and ends after at most ${deadline}: ` +
      'connectionDeadline is for the whole of it.',
    `What is allowed ends ${formatDuration(leaseMs)} after the last agreement. repmgr must promote later than that: ` +
      'reconnect_attempts x reconnect_interval of repmgr.conf, with primary_visibility_consensus=true.',
    ...(file.logFile === null
      ? []
      : [
          `The log goes to ${file.logFile}, and SIGHUP opens it anew. maxAge and rotationTime are for logrotate to do.`,
        ]),
  ]
}
