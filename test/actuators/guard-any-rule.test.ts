import {readFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {type Asked, anyRule, type ClusterLists} from '../../src/actuators/guard/any-rule.ts'

const lists = (masters: string, slaves: string): ClusterLists => ({masters: [...masters], slaves: [...slaves]})
const steady = lists('a', 'bc')
const heard = (name: string, said: ClusterLists | null): Asked => ({name, lists: said, askedAt: 0})

test.each([
  ['1 the first that answers agrees', steady, [heard('b', lists('a', 'cb'))], null, 'primary'],
  ['2 it agrees that another is the master', lists('b', 'ac'), [heard('b', lists('b', 'ca'))], null, 'standby'],
  ['3 it agrees that there is no master', lists('', 'abc'), [heard('b', lists('', 'abc'))], null, 'unchanged'],
  ['4 it agrees on two masters', lists('ab', 'c'), [heard('b', lists('ba', 'c'))], null, 'primary'],
  ['5 the first one fails', steady, [heard('b', null), heard('c', steady)], null, 'primary'],
  ['6 the first one disagrees', steady, [heard('b', lists('b', 'c')), heard('c', steady)], null, 'denied'],
  ['6 it disagrees, and the witness agrees', steady, [heard('b', lists('b', 'c'))], heard('w', steady), 'primary'],
  [
    '7 it disagrees, and the witness does, too',
    steady,
    [heard('b', lists('b', ''))],
    heard('w', lists('b', '')),
    'denied',
  ],
  ['7 it disagrees, and the witness fails', steady, [heard('b', lists('b', ''))], heard('w', null), 'denied'],
  ['8 none answers in time, and the witness agrees', steady, [heard('b', null)], heard('w', steady), 'primary'],
  ['8 none answers in time, without a witness', steady, [heard('b', null)], null, 'denied'],
] as const)("harepd's case %s", (_, own, neighbours, witness, standing) => {
  expect(anyRule({own, me: 'a', neighbours, witness})).toMatchObject({standing})
})

type Row = Readonly<{promoted: string; edges: string; harepd: string}>
const rows: readonly Row[] = JSON.parse(
  readFileSync(new URL('../fixtures/peers/partitions-3+w.json', import.meta.url), 'utf8'),
)

test("over repmgr's tables, the rule opens in all 128 networks what harepd was seen to open: both in eight", () => {
  let both = 0
  for (const {promoted, edges, harepd} of rows) {
    const reaches = (one: string, other: string) => edges.split(' ').includes([one, other].sort().join(''))
    // What the table of each node says: its own past, or that of the primary that it hears.
    const after = lists('b', 'c')
    const isNew = (node: string) => promoted === 'b' && (node === 'b' || (node !== 'a' && reaches(node, 'b')))
    const tableOf = (node: string) => (isNew(node) ? after : steady)
    const open = ['a', 'b', 'c'].filter((me) => {
      const ask = (name: string) => heard(name, reaches(me, name) ? tableOf(name) : null)
      const neighbours = ['a', 'b', 'c'].filter((name) => name !== me).map(ask)
      return anyRule({own: tableOf(me), me, neighbours, witness: ask('w')}).standing === 'primary'
    })
    expect(open.join('') || '-', `${promoted} ${edges}`).toBe(harepd)
    if (open.length > 1) both += 1
  }
  expect([rows.length, both]).toEqual([128, 8])
})
