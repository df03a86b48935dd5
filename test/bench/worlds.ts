import type {Bounds} from '../support/small-world.ts'
import {search} from '../support/small-world-search.ts'
import {twoDaemons} from '../support/small-worlds.ts'
import type {Options, Row} from './table.ts'

const least: Bounds = {
  hosts: 2,
  commits: 1,
  timelines: 2,
  restores: 1,
  accepts: 0,
  hides: 0,
  isAskedAlone: false,
}
const worlds: Readonly<Record<string, Readonly<{bounds: Bounds; depth?: number}>>> = {
  'two hosts, one commit, one restore': {bounds: least},
  'two hosts, two commits, one restore': {bounds: {...least, commits: 2}},
  'two hosts, two commits, one restore, one accept': {bounds: {...least, commits: 2, accepts: 1}},
  'two hosts, one commit, a firewall': {bounds: {...least, restores: 0, hides: 1}},
  'two hosts, each asked alone, to the tenth step': {bounds: {...least, isAskedAlone: true}, depth: 10},
  'three hosts and two daemons that need followers, a cut': {bounds: {...twoDaemons, cuts: 1}},
  'three hosts and two daemons that need followers, two cuts': {bounds: twoDaemons},
  'three hosts, two commits, to the eighth step': {bounds: {...least, hosts: 3, commits: 2}, depth: 8},
}

/** Every history of small worlds, judged by the product: how many there are, and how many are wrong. */
export async function run({short}: Options): Promise<readonly Row[]> {
  const names = Object.entries(worlds).slice(0, short ? 1 : undefined)
  return names.map(([name, {bounds, depth}]) => {
    const {states, breach} = search(bounds, depth)
    const wrong = breach === null ? '0 breaches' : `a breach after ${breach.steps.join(', ')}: ${breach.what}`
    const measured = `${states.toLocaleString('en')} worlds, ${wrong}`
    return {figure: `every history of ${name}`, measured, target: '0 breaches', comparison: '', met: breach === null}
  })
}
