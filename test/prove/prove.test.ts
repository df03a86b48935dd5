import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {faults} from './faults.ts'
import {breachesOf, type Proof, pageOf} from './page.ts'

const root = join(import.meta.dirname, '..', '..')
const proof: Proof = {
  version: '1.2.3',
  commit: 'abc',
  at: '2026-01-01 00:00',
  machine: 'Linux',
  naive: 'psql -Atc "select pg_is_in_recovery()"',
  minutes: 1,
  worlds: [{name: 'of two hosts', states: 12_345, seconds: 1, breach: null}],
  rulesOut: [{name: 'a rule', states: 9, seconds: 1, breach: {what: 'host1 is routed to', steps: ['crash host2']}}],
  faults,
  ran: new Map(),
  scenes: [
    {
      title: 'A scene',
      hazard: 'A hazard.',
      cost: 'A cost.',
      server: 'PostgreSQL 15',
      failures: [],
      moments: [
        {
          what: 'a moment',
          hosts: [{host: 'host1', naive: 'f', rows: 500}],
          naive: {routed: ['host1']},
          ours: {routed: [], status: 409, rule: 'V1', situation: 'two-primaries', why: '<b>why</b>'},
        },
      ],
    },
  ],
  notCovered: ['This is not covered.'],
}

test.each(faults.flatMap(({name, shown}) => (shown === null ? [] : [{name, ...shown}])))(
  'the command of "$name" names a test that is there',
  ({file, title}) => {
    expect(readFileSync(join(root, file), 'utf8')).toContain(title)
    // -t is a regular expression, in double quotes of a shell.
    expect(title).not.toMatch(/[.*+?^${}()|[\]\\"`]/)
  },
)

test('the page stands alone, and shows both checks side by side', () => {
  const page = pageOf(proof)
  expect(page).not.toMatch(/(src|href)="(?!#)|url\(|@import|<script/)
  expect(page).toContain('Nothing on this page breaks the promise.')
  expect(page).toContain('12,345 worlds')
  expect(page).toContain('Writers go to <b class="bad">host1</b>')
  expect(page).toContain('Writers go to <b class="good">no host</b>: two-primaries (V1)')
  expect(page).toContain('&lt;b&gt;why&lt;/b&gt;')
})

test('a breach, a rule that the search does not see, a failed scene and a failed test are told at the top', () => {
  const [world] = proof.worlds
  const [scene] = proof.scenes
  const [fault] = faults
  if (!world || !scene || !fault) throw new Error('the proof is empty')
  const broken: Proof = {
    ...proof,
    worlds: [{...world, breach: {what: 'host2 is routed to', steps: []}}],
    rulesOut: [{...world, name: 'a rule'}],
    scenes: [{...scene, failures: ['it routed']}],
    ran: new Map([[fault.name, {outcome: 'failed', seconds: 1}]]),
  }
  expect(breachesOf(proof)).toEqual([])
  expect(breachesOf(broken)).toEqual([
    'worlds of two hosts: host2 is routed to',
    'without a rule, no history breaks the promise',
    'A scene: it routed',
    `the test of "${fault.name}" fails`,
  ])
  expect(pageOf(broken)).toContain('The promise is broken')
})
