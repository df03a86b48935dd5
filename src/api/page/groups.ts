import type {Evidence, GroupState, Snapshot} from '../../core/snapshot.ts'
import {rulingText} from '../../core/verdict/situation.ts'
import {isStarting, suspectOf} from '../../core/verdict/verdict-kind.ts'
import {ageText} from '../../core/words/age.ts'
import {bySeverity, isCalm, verdictWords} from '../../core/words/verdict-words.ts'
import {type Html, html} from './html.ts'

/** Each group with its verdict, the worst first. */
export function groupsPart({groups}: Snapshot, wall: number): Html {
  const ordered = Object.values(groups).toSorted((a, b) => bySeverity(a.verdict, b.verdict))
  if (ordered.length === 0) return html`<p class="card warn">No group is configured: there is no verdict.</p>`
  return html`${ordered.map((group) => groupCard(group, ordered.length > 1, wall))}`
}

function groupCard({name, verdict, evidence}: GroupState, isNamed: boolean, wall: number): Html {
  const tone = isCalm(verdict) ? 'good' : isStarting(verdict) ? 'warn' : 'bad'
  const sign = {good: '●', warn: '…', bad: '▲'}[tone]
  const suspect = suspectOf(verdict)
  return html`<article class="card verdict ${tone}">
<h2><span aria-hidden="true">${sign}</span> ${isNamed ? `${name}: ` : ''}${verdictWords(verdict)}</h2>
<p>${verdict.why}</p>
${suspect === null ? null : html`<p><b>Suspect:</b> ${suspect}</p>`}
${verdict.blind.length === 0 ? null : html`<p><b>Blind</b> (login, TLS or DNS): ${verdict.blind.join(', ')}</p>`}
<p class="faint">${rulingText(verdict)} · for ${ageText(wall - verdict.since)}</p>
${evidence.length === 0 ? null : html`<ul class="evidence">${evidence.map(evidenceItem)}</ul>`}
</article>`
}

function evidenceItem({source, subject, answer, why, required, contradictsSql}: Evidence): Html {
  const tone = answer === 'denies' || contradictsSql ? 'bad' : answer === 'confirms' ? 'good' : 'warn'
  const about = subject === null ? '' : ` ${subject}`
  const more = required ? '' : ' (not required)'
  return html`<li><span class="pill ${tone}">${source} ${answer}${about}</span> ${why}${more}</li>`
}
