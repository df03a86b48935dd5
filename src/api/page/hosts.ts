import {type HostState, type Snapshot, timelineOf} from '../../core/snapshot.ts'
import {suspectOf} from '../../core/verdict/verdict-kind.ts'
import {ageText, spanText} from '../../core/words/age.ts'
import {bytesText} from '../../core/words/bytes.ts'
import {type Html, html} from './html.ts'

/** A page with more would be slow in a browser; /v1/hosts has all. */
const mostHosts = 200

const roles = {primary: '●', standby: '○', unavailable: '✗'} as const

const titles = ['Host', 'Role', 'For', 'Timeline', 'LSN', 'Lag', 'Upstream', 'Notes']

export function hostsPart(snapshot: Snapshot, wall: number): Html {
  const hosts = Object.values(snapshot.hosts)
  if (hosts.length === 0) return html`<p class="card warn">No host is configured.</p>`
  const rows = hosts.slice(0, mostHosts).map((host) => row(host, snapshot, wall))
  const more = hosts.length - rows.length
  return html`<table>
<thead><tr>${titles.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows}</tbody>
</table>
${more > 0 ? html`<p class="faint">${more} more hosts are in <a href="/v1/hosts">/v1/hosts</a>.</p>` : null}`
}

type Cell = readonly [label: string, text: string, kind?: string]

function row(host: HostState, snapshot: Snapshot, wall: number): Html {
  const isRouted = Object.values(snapshot.groups).some(({verdict}) => verdict.routedTo === host.host)
  const tone = host.role === 'standby' ? 'plain' : isRouted ? 'good' : 'bad'
  const answering = host.role === 'unavailable' ? null : host
  const standby = host.role === 'standby' ? host : null
  const known = <T>(value: T | null, text: (value: T) => string): string =>
    value === null ? (answering === null ? '' : '?') : text(value)
  const lag = standby === null ? '' : lagOf(standby)
  const cells: readonly Cell[] = [
    ['For', ageText(wall - host.since)],
    ['Timeline', known(timelineOf(host), String)],
    ['LSN', known(answering?.lsn ?? null, String), 'code'],
    ['Lag', lag],
    ['Upstream', standby === null ? '' : (standby.upstream ?? '?')],
    ['Notes', notesOf(host, isRouted, snapshot).join(' · '), 'notes'],
  ]
  return html`<tr>
<th scope="row" data-label="Host">${host.host} <span class="faint">${host.address}:${host.port}</span></th>
<td data-label="Role">
<span class="pill ${tone}"><span aria-hidden="true">${roles[host.role]}</span> ${host.role}</span>
</td>
${cells.map(cell)}
</tr>`
}

const cell = ([label, text, kind = '']: Cell): Html =>
  html`<td class="${kind}${text === '' ? ' none' : ''}" data-label="${label}">${text}</td>`

const lagOf = ({lagBytes, lagMs}: Extract<HostState, {role: 'standby'}>): string =>
  lagBytes === null && lagMs === null
    ? '?'
    : `${lagBytes === null ? '?' : bytesText(lagBytes)} / ${lagMs === null ? '?' : spanText(lagMs)}`

/** What differs from an ordinary primary or standby. */
function notesOf(host: HostState, isRouted: boolean, {groups}: Snapshot): readonly string[] {
  const standby = host.role === 'standby' ? host : null
  const {drained} = host
  const notes: (string | false | null)[] = [
    Object.values(groups).some(({verdict}) => suspectOf(verdict) === host.host) && 'suspect',
    host.role === 'unavailable' && [host.cause ?? 'not asked yet', host.detail].filter(Boolean).join(': '),
    drained && `drained by ${drained.by}${drained.reason === null ? '' : `: ${drained.reason}`}`,
    host.role === 'primary' && !isRouted && drained === null && 'not routed',
    host.role === 'primary' && host.readOnly === true && 'read-only',
    standby?.replayPaused === true && 'replay paused',
    standby?.delayed ? `delayed ${spanText(standby.delayed.delayMs)}` : null,
    standby !== null && standby.receiver === null && 'not streaming',
    standby?.syncState === 'sync' && 'synchronous',
  ]
  return notes.filter((note) => typeof note === 'string')
}
