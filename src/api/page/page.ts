import type {PastChange} from '../../core/changes.ts'
import type {Router} from '../../core/router.ts'
import type {Maintenance, Snapshot} from '../../core/snapshot.ts'
import {ageText} from '../../core/words/age.ts'
import {ownersOf} from '../../core/words/owners.ts'
import {bySeverity, verdictWords} from '../../core/words/verdict-words.ts'
import {timeOf} from '../../protocol/snapshot-json.ts'
import {changesPart} from './changes.ts'
import {groupsPart} from './groups.ts'
import {hostsPart} from './hosts.ts'
import {type Html, html} from './html.ts'
import {routersPart} from './routers.ts'

export type PageContent = Readonly<{
  snapshot: Snapshot
  routers: readonly Router[]
  /** Oldest first. */
  changes: readonly PastChange[]
  /** Wall clock of the answer, milliseconds. */
  wall: number
}>

/**
 * The status page. All of it is in the HTML, so that it can be read without a script; the script
 * asks for the same page again and takes over what has changed.
 */
export function page({snapshot, routers, changes, wall}: PageContent): string {
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${titleOf(snapshot)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body data-max-age="${snapshot.maxAgeMs}">
<header><h1>pgroute66</h1>
<p class="faint" data-part="stamp">${snapshot.version}, as of ${timeOf(wall).slice(11, 19)} UTC</p></header>
<main>
<p id="old" class="card bad" role="alert" hidden></p>
${part('maintenance', maintenancePart(snapshot.maintenance, wall))}
${part('set', setPart(snapshot))}
<section aria-label="Verdict">${part('groups', groupsPart(snapshot, wall))}</section>
${section('hosts', 'Hosts', hostsPart(snapshot, wall))}
${section('routers', 'Routers', routersPart(routers, snapshot, wall))}
${section('changes', 'Last changes', changesPart(changes))}
</main>
</body>
</html>
`
  return document.text
}

const section = (name: string, title: string, content: Html): Html =>
  html`<section aria-labelledby="${name}"><h2 id="${name}">${title}</h2>${part(name, content)}</section>`

/** The script takes over the parts by their names. */
const part = (name: string, content: Html): Html => html`<div data-part="${name}">${content}</div>`

function maintenancePart(maintenance: Maintenance | null, wall: number): Html {
  if (maintenance === null) return html``
  const {since, by, reason, until} = maintenance
  const end = until === null ? 'until an operator ends it' : `for another ${ageText(until - wall)}`
  const why = reason === null ? '' : `: ${reason}`
  return html`<p class="card warn"><b>Maintenance</b> by ${by} for ${ageText(wall - since)}, ${end}${why}.
The actuators are frozen.</p>`
}

/** Which instance of a set tells of how many groups. */
function setPart(snapshot: Snapshot): Html {
  const owners = ownersOf(snapshot)
  if (owners === null) return html``
  return owners.isWhole ? html`<p class="faint">${owners.text}</p>` : html`<p class="card warn">${owners.text}</p>`
}

function titleOf({groups}: Snapshot): string {
  const [worst] = Object.values(groups).toSorted((a, b) => bySeverity(a.verdict, b.verdict))
  return worst === undefined ? 'pgroute66' : `${verdictWords(worst.verdict)} - pgroute66`
}
