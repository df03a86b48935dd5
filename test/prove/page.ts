import {commandOf, type Fault} from './faults.ts'
import type {Played} from './live.ts'
import type {Moment} from './scene.ts'
import type {Explored} from './search.ts'

export type Ran = Readonly<{outcome: 'passed' | 'failed' | 'skipped'; seconds: number}>

/** All that the page shows. `ran`: by the name of the fault; empty: the commands were not run. */
export type Proof = Readonly<{
  version: string
  commit: string
  at: string
  machine: string
  naive: string
  minutes: number
  worlds: readonly Explored[]
  rulesOut: readonly Explored[]
  faults: readonly Fault[]
  ran: ReadonlyMap<string, Ran>
  scenes: readonly Played[]
  notCovered: readonly string[]
}>

/** What keeps the page from being a proof; empty: nothing. */
export const breachesOf = ({worlds, rulesOut, scenes, faults, ran}: Proof): readonly string[] => [
  ...worlds.flatMap(({name, breach}) => (breach === null ? [] : [`worlds ${name}: ${breach.what}`])),
  ...rulesOut.flatMap(({name, breach}) => (breach === null ? [`without ${name}, no history breaks the promise`] : [])),
  ...scenes.flatMap(({title, failures}) => failures.map((failure) => `${title}: ${failure}`)),
  ...faults.flatMap(({name}) => (ran.get(name)?.outcome === 'failed' ? [`the test of "${name}" fails`] : [])),
]

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (one) => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'})[one] ?? one)
const code = (text: string): string => `<code>${escaped(text)}</code>`
const items = (texts: readonly string[]): string => texts.map((text) => `<li>${text}</li>`).join('\n')
const names = (hosts: readonly string[]): string => (hosts.length === 0 ? 'no host' : hosts.join(' and '))
const grouped = (count: number): string => count.toLocaleString('en')

/** The whole page: one file, without anything from elsewhere. */
export const pageOf = (proof: Proof): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>pgroute66: never two</title>
<style>${style}</style>
</head>
<body>
<main>
${opening(proof)}
${searchPart(proof)}
${recordPart(proof)}
${scenesPart(proof)}
${limitsPart(proof)}
</main>
</body>
</html>
`

function opening(proof: Proof): string {
  const breaches = breachesOf(proof)
  const verdict =
    breaches.length === 0
      ? '<p class="good">Nothing on this page breaks the promise.</p>'
      : `<div class="bad"><p>The promise is broken:</p><ul>${items(breaches.map(escaped))}</ul></div>`
  return `<h1>pgroute66: never two</h1>
<p>pgroute66 tells load balancers which PostgreSQL host may be written to. It promises never to name two hosts, and
never a host that the evidence speaks against. This page tries to break the promise. Everything on it was made by one
command in a clone of the repository, in ${proof.minutes.toFixed(1)} minutes:</p>
<pre>npm ci &amp;&amp; npm run prove</pre>
${verdict}
<p class="small">Version ${escaped(proof.version)}, commit ${escaped(proof.commit)}, ${escaped(proof.at)}.
${escaped(proof.machine)}. ${escaped(proof.scenes[0]?.server ?? 'No PostgreSQL')}.</p>
<ol>
<li><a href="#search">Every history of a small world</a></li>
<li><a href="#record">The faults that our laboratory found</a></li>
<li><a href="#scenes">The same on real servers, beside a psql check</a></li>
<li><a href="#limits">What is not covered</a></li>
</ol>`
}

function searchPart({worlds, rulesOut}: Proof): string {
  const explored = worlds.map(({name, states, breach, seconds}) => {
    const found = breach === null ? '<b class="good">0 breaches</b>' : `<b class="bad">${escaped(breach.what)}</b>`
    return `Every history ${escaped(name)}: ${grouped(states)} worlds, ${found} (${seconds.toFixed(1)} s)`
  })
  const states = worlds.reduce((sum, world) => sum + world.states, 0)
  return `<h2 id="search">1. Every history of a small world</h2>
<p>A world has a few servers. They crash, stop, start, are promoted, follow each other, commit, and are restored from an
earlier copy; a firewall refuses in the name of a server that lives. The search plays all that can happen, in every
order, breadth first. The product's own judge reads the answers of the servers. Two daemons beside each other are cut
from hosts one by one. A breach is a route to a server that lacks a commit which an answer had described, that has a
living rival, or that an operator had overruled. Two daemons with fresh answers that route to two living primaries are
one too.</p>
<ul>${items(explored)}</ul>
<p>${grouped(states)} worlds in all. Larger ones take minutes: ${code('npm run bench -- worlds')}.</p>
<h3>Why there are rules</h3>
<p>A search that never finds a breach proves nothing. Here one rule at a time is taken out of the judge. The shortest
history that breaks the promise then shows what the rule is for.</p>
${rulesOut.map(counterexample).join('\n')}`
}

function counterexample({name, states, breach}: Explored): string {
  const shown =
    breach === null
      ? '<p class="bad">No history breaks the promise: the search does not see this rule.</p>'
      : `<ol>${items(breach.steps.map(escaped))}</ol><p>Then ${escaped(breach.what)}.</p>`
  const steps = breach === null ? 'none found' : `${breach.steps.length} steps`
  return `<details><summary>Without: ${escaped(name)} <span class="small">(${steps}, found among
${grouped(states)} worlds)</span></summary>${shown}</details>`
}

function recordPart({faults, ran}: Proof): string {
  const closed = faults.filter(({shown}) => shown !== null).length
  return `<h2 id="record">2. The faults that our laboratory found</h2>
<p>Each was found by our laboratory, on real servers, in the development version before the first release.
${closed} of ${faults.length} are closed in the unreleased version, which CHANGELOG.md describes. Each of these has a
command that shows it. Run ${code('npm run build')} first. "Laboratory" needs root on Linux: it makes networks of its
own.</p>
${faults.map((fault) => faultCard(fault, ran.get(fault.name))).join('\n')}`
}

const places = {
  lab: 'laboratory: real PostgreSQL in networks of its own',
  postgresql: 'real PostgreSQL',
  haproxy: 'real HAProxy',
  pgbouncer: 'real PgBouncer',
  sockets: 'real sockets',
  simulation: 'simulated servers',
} as const

function faultCard({name, did, now, shown}: Fault, ran: Ran | undefined): string {
  const result = ran === undefined ? '' : ` <b class="${ran.outcome}">${ran.outcome} in ${ran.seconds.toFixed(0)} s</b>`
  const command =
    shown === null
      ? '<p class="bad">Open.</p>'
      : `<p class="small">Shown on ${places[shown.on]}.${result}</p><pre>${escaped(commandOf(shown))}</pre>`
  return `<details><summary>${escaped(name)}${shown === null ? ' <span class="bad">(open)</span>' : ''}</summary>
<p><b>Then:</b> ${escaped(did)}</p><p><b>Now:</b> ${escaped(now)}</p>${command}</details>`
}

function scenesPart({scenes, naive}: Proof): string {
  return `<h2 id="scenes">3. The same on real servers, beside a psql check</h2>
<p>Three PostgreSQL servers and a daemon ran on this machine. At each moment both were asked. The psql check is
${code(naive)} on every host: a host that answers <code>f</code> gets the writers, as in many
scripts for HAProxy.</p>
${scenes.map(sceneOf).join('\n')}`
}

function sceneOf({title, hazard, cost, moments, failures}: Played): string {
  const failed = failures.length === 0 ? '' : `<ul class="bad">${items(failures.map(escaped))}</ul>`
  return `<h3>${escaped(title)}</h3><p>${escaped(hazard)}</p>${moments.map(momentOf).join('\n')}
<p>${escaped(cost)} pgroute66 names no host, and says why.</p>${failed}`
}

function momentOf({what, hosts, naive, ours}: Moment): string {
  const lines = hosts.map(({host, naive: answer, rows}) => {
    const held = rows === null ? '' : `, holds ${rows === 1 ? '1 row' : `${grouped(rows)} rows`}`
    return `${host}: ${code(answer)}${held}`
  })
  const situation = `${escaped(ours.situation)} (${ours.rule})`
  const isSame = naive.routed.join() === ours.routed.join()
  return `<section class="moment"><h4>${escaped(what)}</h4><div class="beside">
<div><h5>psql check</h5><ul>${items(lines)}</ul>
<p>Writers go to <b class="${isSame ? '' : 'bad'}">${names(naive.routed)}</b>.</p></div>
<div><h5>pgroute66</h5><p>${code(`/v1/primary: ${ours.status} ${JSON.stringify(ours.routed)}`)}</p>
<p>Writers go to <b class="${isSame ? '' : 'good'}">${names(ours.routed)}</b>: ${situation}.</p>
<p class="small">${escaped(ours.why)}</p></div></div></section>`
}

const limitsPart = ({notCovered, faults}: Proof): string => `<h2 id="limits">4. What is not covered</h2>
<ul>${items([
  ...notCovered.map(escaped),
  ...faults.filter(({shown}) => shown === null).map(({name, did}) => `Open: ${escaped(name)}. ${escaped(did)}`),
])}</ul>`

const style = `
:root { color-scheme: light dark; --line: #8884; --good: #18794e; --bad: #c62828; }
@media (prefers-color-scheme: dark) { :root { --good: #4cc38a; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 52rem; margin: 0 auto; padding: 1rem; }
pre, code { font-family: ui-monospace, monospace; font-size: .875em; overflow-wrap: anywhere; white-space: pre-wrap; }
pre { padding: .6rem; border: 1px solid var(--line); border-radius: .4rem; }
details, .moment { border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .8rem; margin: .5rem 0; }
summary { cursor: pointer; }
h4, h5 { margin: .2rem 0; }
.beside { display: grid; gap: 0 1.5rem; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); }
.small { font-size: .875em; opacity: .8; }
.good, .passed { color: var(--good); }
.bad, .failed { color: var(--bad); }
`
