import type {Delay, Evidence, HostState, StandbyHost} from '../core/snapshot.ts'
import {rulingText} from '../core/verdict/situation.ts'
import {ageText, spanText} from '../core/words/age.ts'
import {bytesText} from '../core/words/bytes.ts'
import {noHistory} from './events/histories.ts'
import type {Frame} from './frame.ts'
import {causeText} from './table/row.ts'
import {sparkline} from './table/sparkline.ts'
import {timeText} from './text/age.ts'
import {pad, printable, wrap} from './text/cells.ts'
import type {Glyphs} from './text/glyphs.ts'
import {type Line, line, type Tone} from './text/line.ts'

type Field = readonly [label: string, text: string, tone?: Tone]

/** All facts about one host, one per line; a long one wraps under its label. */
export function details(host: HostState, frame: Frame, width: number, glyphs: Glyphs): readonly Line[] {
  const fields = [
    ...identity(host, frame),
    ...replication(host),
    ...load(host, frame, glyphs),
    ...evidence(host, frame),
  ]
  const labelled = Math.min(18, Math.floor(width / 3))
  const title = line(
    `${glyphs.roles[host.role]} ${host.host} ${glyphs.dot} ${host.role} for ${ageText(frame.wall - host.since)}`,
    'strong',
  )
  const lines = fields.flatMap(([label, text, tone = 'plain']) =>
    wrap(printable(text), Math.max(1, width - labelled - 1)).map((part, index): Line => {
      const name = pad(index === 0 ? printable(label) : '', labelled, 'left', glyphs.more)
      return [...line(`${name} `, 'faint'), ...line(part, tone)]
    }),
  )
  return [title, ...lines]
}

const some = (value: string | number | boolean | null): string => (value === null ? 'unknown' : String(value))

function identity(host: HostState, {wall, now}: Frame): readonly Field[] {
  const {serverVersion, startedAt, drained} = host
  return [
    ...(host.role === 'unavailable' ? [['cause', causeText(host), 'bad'] as const] : []),
    ...(drained === null ? [] : [['drained', drainText(drained, wall), 'warn'] as const]),
    ['address', `${host.address}:${host.port}`],
    ['groups', host.groups.join(', ') || 'none: the host is shown, never routed to'],
    ['location', host.location ?? '-'],
    ['asked', host.askedAt === null ? 'never' : `${spanText(now - host.askedAt)} ago`],
    ['server', serverVersion === null ? 'unknown' : versionText(serverVersion)],
    ['started', startedAt === null ? 'unknown' : `${ageText(wall - startedAt)} ago`],
    ['cluster_name', some(host.clusterName)],
    ['system identifier', some(host.systemIdentifier)],
  ]
}

const drainText = ({since, by, reason}: NonNullable<HostState['drained']>, wall: number): string =>
  `by ${by} for ${ageText(wall - since)}${reason === null ? '' : `: ${reason}`}`

/** 150020 is 15.20 (PostgreSQL documentation, server_version_num). */
const versionText = (version: number): string => `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`

function replication(host: HostState): readonly Field[] {
  if (host.role === 'unavailable')
    return [
      ['timeline', 'unknown'],
      ['lsn', 'unknown'],
    ]
  const senders = host.senders.map((sender, index): Field => {
    const state = [sender.state, sender.syncState].filter(Boolean).join(', ') || 'hidden from the role of pgroute66'
    return [
      index === 0 ? 'sends to' : '',
      `${sender.applicationName ?? '?'} ${sender.clientAddr ?? 'local'}: ${state}, replayed ${sender.replayLsn ?? '?'}`,
    ]
  })
  return [
    ['timeline', some(host.timeline)],
    ['lsn', some(host.lsn)],
    ...(host.role === 'standby' ? following(host) : []),
    ...senders,
  ]
}

function following({
  receiver,
  lagBytes,
  lagMs,
  upstream,
  replicationState,
  syncState,
  replayPaused,
  delayed,
}: StandbyHost): readonly Field[] {
  const lag = [lagBytes === null ? 'unknown' : bytesText(lagBytes), lagMs === null ? 'unknown time' : spanText(lagMs)]
  return [
    ['lag', lag.join(', ')],
    ['upstream', upstream ?? 'unknown'],
    ['receiver', receiverText(receiver)],
    ['replication', [replicationState, syncState].filter(Boolean).join(', ') || 'no row on the upstream'],
    ['replay paused', some(replayPaused)],
    ...(delayed === null ? [] : [['delayed', delayText(delayed), 'warn'] as const]),
  ]
}

const delayText = ({delayMs, isReadable}: Delay): string =>
  `by ${spanText(delayMs)} on purpose; ${isReadable ? 'readers get it (delayed: read)' : 'no reader gets it'}`

function receiverText(receiver: StandbyHost['receiver']): string {
  if (receiver === null) return 'no receiver runs'
  const {status, senderHost, senderPort, receivedTimeline, lastMessageAgeMs} = receiver
  if (status === null) return 'blind: the role of pgroute66 may not read pg_stat_wal_receiver (grant pg_read_all_stats)'
  const age = lastMessageAgeMs === null ? 'at an unknown time' : `${spanText(lastMessageAgeMs)} ago`
  const from = `${senderHost ?? '?'}:${senderPort ?? '?'}`
  return `${status} from ${from} on timeline ${receivedTimeline ?? '?'}, last message ${age}`
}

function load(host: HostState, frame: Frame, {bars}: Glyphs): readonly Field[] {
  const {availability} = host
  const answering = host.role === 'unavailable' ? null : host
  const {probes, lags, walRates} = frame.histories.get(host.host) ?? noHistory
  const drawn = (values: readonly (number | null)[]) => sparkline(values, 40, bars).trimStart()
  const [rate, most] = [walRates.at(-1) ?? null, Math.max(0, ...lags.map((lag) => lag ?? 0))]
  const beat =
    availability === null
      ? 'off'
      : availability.kind === 'ok'
        ? `${spanText(availability.delayMs)} behind`
        : availability.why
  return [
    ['read-only', some(answering?.readOnly ?? null)],
    ['backends', `${some(answering?.backendsUsed ?? null)} of ${some(answering?.backendsMax ?? null)}`],
    ['probe', `${host.probeMs === null ? 'no answer' : spanText(host.probeMs)}  ${drawn(probes)}`],
    ['WAL a second', `${rate === null ? 'unknown' : bytesText(rate)}  ${drawn(walRates)}`],
    ...(host.role === 'standby' ? [['lag until now', `at most ${bytesText(most)}  ${drawn(lags)}`] as const] : []),
    ['heartbeat', beat],
  ]
}

function evidence(host: HostState, frame: Frame): readonly Field[] {
  const groups = host.groups.flatMap((name) => frame.snapshot.groups[name] ?? [])
  const about = groups.flatMap((group) => group.evidence.map((item) => ({group: group.name, item})))
  const verdicts = groups.map(
    ({name, verdict}): Field => [
      name,
      `${verdict.kind} (${rulingText(verdict)}) since ${timeText(verdict.since, frame.wall)}: ${verdict.why}`,
    ],
  )
  return [
    ...verdicts,
    ...about.map(
      ({item}): Field => [
        item.source,
        evidenceText(item),
        item.answer === 'denies' || item.contradictsSql ? 'bad' : 'plain',
      ],
    ),
  ]
}

function evidenceText({answer, subject, why, required, contradictsSql}: Evidence): string {
  const about = subject === null ? '' : ` ${subject}`
  return `${answer}${about}${required ? '' : ' (not required)'}${contradictsSql ? ' (contradicts SQL)' : ''}: ${why}`
}
