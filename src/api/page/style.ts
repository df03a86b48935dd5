/** The style sheet of the page: two colour schemes by the reader's preference, tables as cards on a phone. */
export const style = `:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #fff; --line: #d5d9e0; --text: #16191f; --faint: #545c6b;
  --good: #11662f; --good-back: #dff3e4; --warn: #7a4b00; --warn-back: #fdeec8; --bad: #a4121b; --bad-back: #fde3e3;
  --plain-back: #e8ebf0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #12151a; --card: #1b2027; --line: #353c47; --text: #e8ebf0; --faint: #a3acba;
    --good: #7ee29a; --good-back: #12351f; --warn: #f3c769; --warn-back: #3a2c0b; --bad: #ff9c9c; --bad-back: #471a1d;
    --plain-back: #2a313b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.45 system-ui, sans-serif; }
header, main { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; padding-top: 1rem; }
main { padding-bottom: 2rem; }
h1 { font-size: 1.15rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p { margin: .35rem 0; }
ul, ol { margin: .35rem 0; padding-left: 1.2rem; }
a { color: inherit; }
code, .code { font-family: ui-monospace, monospace; font-size: .92em; }
.faint { color: var(--faint); font-weight: normal; font-size: .92em; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem;
  margin: .6rem 0; overflow-wrap: anywhere; }
.verdict { border-left: .5rem solid var(--line); }
.verdict h2 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .3rem; }
.verdict.good { border-left-color: var(--good); } .verdict.good h2 { color: var(--good); }
.verdict.warn { border-left-color: var(--warn); } .verdict.warn h2 { color: var(--warn); }
.verdict.bad { border-left-color: var(--bad); background: var(--bad-back); } .verdict.bad h2 { color: var(--bad); }
.verdict.bad .faint { color: var(--text); }
p.card.warn { background: var(--warn-back); color: var(--warn); border-color: var(--warn); }
p.card.bad { background: var(--bad-back); color: var(--bad); border-color: var(--bad); font-weight: bold; }
.evidence { list-style: none; padding: 0; font-size: .95em; }
.evidence li { margin: .3rem 0; }
.pill { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; background: var(--plain-back);
  font-size: .92rem;
  margin: .1rem 0; white-space: nowrap; }
.pill.good { background: var(--good-back); color: var(--good); }
.pill.warn { background: var(--warn-back); color: var(--warn); }
.pill.bad { background: var(--bad-back); color: var(--bad); }
.pill.off { background: none; border: 1px solid var(--line); color: var(--faint); }
.problem { color: var(--bad); }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--faint); font-weight: normal; font-size: .9rem; }
td { white-space: nowrap; }
td.notes { white-space: normal; overflow-wrap: anywhere; width: 40%; }
th .faint { display: block; }
.changes { list-style: none; padding: 0; }
.changes li { padding: .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.changes time { color: var(--faint); font-variant-numeric: tabular-nums; font-size: .92em; white-space: nowrap; }
span.good { color: var(--good); } span.bad { color: var(--bad); } span.warn { color: var(--warn); }
.why { color: var(--faint); }
body.old section { opacity: .55; }
@media (max-width: 44rem) {
  table, tbody, tr, th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table { background: none; border: 0; }
  tr { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: .6rem 0;
    padding: .5rem .9rem; }
  th, td { border: 0; padding: .12rem 0; }
  td { display: inline-block; margin-right: 1.1rem; }
  td.none { display: none; }
  td.notes { display: block; width: auto; }
  td::before { content: attr(data-label) ": "; color: var(--faint); }
  td[data-label="Role"]::before { content: none; }
  .changes .why { display: block; }
}
`
