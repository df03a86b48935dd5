import {type HostState, type Snapshot, timelineOf, type UnavailableHost} from '../../core/snapshot.ts'
import {suspectOf} from '../../core/verdict/verdict-kind.ts'
import {ageText, spanText} from '../../core/words/age.ts'
import {bytesText} from '../../core/words/bytes.ts'
import {noHistory} from '../events/histories.ts'
import type {Frame} from '../frame.ts'
import {printable} from '../text/cells.ts'
import type {Glyphs} from '../text/glyphs.ts'
import type {ColumnKey} from './columns.ts'
import {sparkline} from './sparkline.ts'

/**
 * The texts of one host. "?" stands for a value that should be known and is not; an empty text for
 * a value that this host does not have.
 */
export type Row = Readonly<{
  host: HostState
  texts: Readonly<Record<ColumnKey, string>>
  because: string | null
  isRouted: boolean
}>

export function rowOf(host: HostState, frame: Frame, glyphs: Glyphs): Row {
  const isUp = host.role !== 'unavailable'
  const answering = host.role === 'unavailable' ? null : host
  const standby = host.role === 'standby' ? host : null
  const known = <T>(value: T | null, text: (value: T) => string): string =>
    value === null ? (isUp ? '?' : '') : text(value)
  const isRouted = Object.values(frame.snapshot.groups).some(({verdict}) => verdict.routedTo === host.host)
  const {probes, lags, walRates} = frame.histories.get(host.host) ?? noHistory
  const notes = notesOf(host, isRouted, frame.snapshot)
  return {
    host,
    isRouted,
    because: isUp ? null : [...notes, causeText(host)].join(` ${glyphs.dot} `),
    texts: {
      host: printable(host.host),
      role: `${glyphs.roles[host.role]} ${host.role}`,
      since: ageText(frame.wall - host.since),
      timeline: known(timelineOf(host), String),
      lsn: known(answering?.lsn ?? null, printable),
      lagBytes: standby ? known(standby.lagBytes, bytesText) : '',
      lagTime: standby ? known(standby.lagMs, spanText) : '',
      upstream: standby ? printable(standby.upstream ?? '?') : '',
      sync: printable(standby?.syncState ?? ''),
      backends: known(answering?.backendsUsed ?? null, (used) => `${used}/${answering?.backendsMax ?? '?'}`),
      probe: isUp && host.probeMs !== null ? spanText(host.probeMs) : '',
      history: sparkline(probes, 8, glyphs.bars),
      walRate: known(walRates.at(-1) ?? null, bytesText),
      lagHistory: standby ? sparkline(lags, 8, glyphs.bars) : '',
      groups: host.groups.join(','),
      notes: notes.join(', '),
    },
  }
}

/** The reason why a host is unavailable. */
export function causeText({cause, detail, blind}: UnavailableHost): string {
  const words = [blind ? 'blind' : null, cause ?? 'not asked yet', detail === null ? null : printable(detail)]
  return words.filter((word) => word !== null && word !== '').join(': ')
}

/** What differs from an ordinary primary or standby. */
function notesOf(host: HostState, isRouted: boolean, {groups}: Snapshot): readonly string[] {
  const standby = host.role === 'standby' ? host : null
  const notes: (string | false)[] = [
    Object.values(groups).some(({verdict}) => suspectOf(verdict) === host.host) && 'suspect',
    host.drained !== null && 'drained',
    host.role === 'primary' && !isRouted && host.drained === null && 'not routed',
    host.role === 'primary' && host.readOnly === true && 'read-only',
    standby?.replayPaused === true && 'replay paused',
    standby !== null && standby.delayed !== null && `delayed ${spanText(standby.delayed.delayMs)}`,
    standby !== null && standby.receiver === null && 'not streaming',
    standby !== null &&
      standby.replicationState !== null &&
      standby.replicationState !== 'streaming' &&
      printable(standby.replicationState),
  ]
  return notes.filter((note) => note !== false)
}
