import type {AgentAsked, Router, RouterDatabase, RouterServer} from '../../core/router.ts'
import type {ActuatorState, Snapshot} from '../../core/snapshot.ts'
import {ageText, spanText} from '../../core/words/age.ts'
import {type Html, html} from './html.ts'

const tones: Readonly<Record<ActuatorState['status'], string>> = {
  'in-sync': 'good',
  'out-of-sync': 'bad',
  pending: 'warn',
  planned: 'warn',
  frozen: 'warn',
}

export function routersPart(routers: readonly Router[], {actuators}: Snapshot, wall: number): Html {
  if (routers.length === 0) return html`<p class="faint">The daemon has no routers and no hooks.</p>`
  return html`${routers.map((router) => {
    const state = actuators[router.name]
    const status = router.kind === 'agent' ? null : (state?.status ?? 'pending')
    const pill = status === null ? null : html` <span class="pill ${tones[status]}">${status}</span>`
    return html`<article class="card">
<h3>${router.name}${pill}</h3>
${(state?.problems ?? []).map((problem) => html`<p class="problem">${problem}</p>`)}
${bodyOf(router, wall)}
</article>`
  })}`
}

function bodyOf(router: Router, wall: number): Html {
  switch (router.kind) {
    case 'haproxy':
      return html`${backendLines(router.servers)}${readLine(router.readAt, wall)}`
    case 'pgbouncer':
      return html`<ul>${router.databases.map(databaseItem)}</ul>${readLine(router.readAt, wall)}`
    case 'agent':
      return router.questions.length === 0
        ? html`<p class="faint">No HAProxy has asked within a minute.</p>`
        : html`<ul>${router.questions.map((asked) => questionItem(asked, wall))}</ul>`
    case 'hook': {
      const tone = router.waiting + router.lost > 0 ? 'problem' : 'faint'
      return html`<p class="${tone}">Events that wait: ${router.waiting}. Lost since the start: ${router.lost}.</p>`
    }
  }
}

/** An old reading is only told of: in sync, it is renewed every `haproxy.resync`. */
const readLine = (readAt: number | null, wall: number): Html => {
  if (readAt === null) return html`<p class="faint">Not read yet.</p>`
  return wall - readAt < 30_000 ? html`` : html`<p class="problem">Last read ${ageText(wall - readAt)} ago.</p>`
}

function questionItem({client, question, answer, askedAt}: AgentAsked, wall: number): Html {
  const ago = spanText(Math.max(0, wall - askedAt))
  return html`<li><code>${client}: ${question}</code> → <code>${answer || 'as it is'}</code>, ${ago} ago</li>`
}

const backendLines = (all: readonly RouterServer[]): readonly Html[] =>
  [...Map.groupBy(all, ({backend}) => backend)].map(
    ([backend, servers]) =>
      html`<p><b>${backend}</b> <span class="faint">${servers[0]?.role ?? ''}</span>
${servers.map((server) => html`${serverPill(server)} `)}</p>`,
  )

function serverPill({server, host, role, state, sessions}: RouterServer): Html {
  const other = host === null ? ' (no host)' : host === server ? '' : ` (${host})`
  const tone = state === 'up' ? (role === 'primary' ? 'good' : 'plain') : state === 'maint' ? 'off' : 'warn'
  const open = sessions > 0 || state === 'up' ? ` · ${sessions}` : ''
  const about = `${sessions} open sessions`
  return html`<span class="pill ${tone}" title="${about}">${server}${other} ${state}${open}</span>`
}

function databaseItem({name, role, hosts, leadsTo, paused, isDisabled, connections}: RouterDatabase): Html {
  const to = leadsTo === null ? 'nowhere' : hosts.join(', ') || `${leadsTo.host}:${leadsTo.port} (no host)`
  const tone = hosts.length > 0 && paused === null && !isDisabled ? 'good' : 'warn'
  const more = [
    ...(paused === null ? [] : [`paused by ${paused.by}`]),
    ...(isDisabled ? ['disabled'] : []),
    ...(connections === null ? [] : [`server connections: ${connections}`]),
  ]
  return html`<li><b>${name}</b> <span class="faint">${role}</span> → <span class="pill ${tone}">${to}</span>
<span class="faint">${more.join(', ')}</span></li>`
}
