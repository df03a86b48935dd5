import type {PastChange} from '../../core/changes.ts'
import {subjectWords, transitionWords} from '../../core/words/change-words.ts'
import {timeOf} from '../../protocol/snapshot-json.ts'
import {type Html, html} from './html.ts'

const mostChanges = 20

/** The last changes, newest first. `changes`: oldest first. */
export function changesPart(changes: readonly PastChange[]): Html {
  const last = changes.slice(-mostChanges).reverse()
  if (last.length === 0) return html`<p class="faint">Nothing has changed since the daemon started.</p>`
  return html`<ol class="changes">${last.map(changeItem)}</ol>
<p class="faint">Times are UTC. <a href="/v1/changes">/v1/changes</a> has the last 1,000.</p>`
}

function changeItem({at, change}: PastChange): Html {
  const time = timeOf(at)
  const shown = time.slice(0, 19).replace('T', ' ')
  return html`<li><time datetime="${time}">${shown}</time> <b>${subjectWords(change)}</b>
<span class="${toneOf(change.to)}">${transitionWords(change, '→')}</span>
<span class="why">${change.why}</span></li>`
}

const loud: readonly (string | null)[] = ['unavailable', 'no-primary', 'split-brain', 'out-of-sync', 'denies', 'late']

const toneOf = (to: string | null): string =>
  to === 'primary' ? 'good' : loud.includes(to) ? 'bad' : to === 'unconfirmed' ? 'warn' : 'plain'
