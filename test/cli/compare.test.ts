import {mkdtemp, readdir, truncate, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {adviceOf, followersOf, withWarning} from '../../src/app/look/compare/advice.ts'
import {aloneOf, forkOf, type Line} from '../../src/app/look/compare/lineage.ts'
import {directoriesOf} from '../../src/app/look/compare/place.ts'
import {diskPosition, livePosition} from '../../src/app/look/compare/position.ts'
import {type Compared, comparedText, exitOf, type Side} from '../../src/app/look/compare/present.ts'
import type {StandbyHost} from '../../src/core/snapshot.ts'
import {debian, hasDebian, hostsYaml, followersOf as standbysOf, testCluster, until} from '../support/cluster.ts'
import {crash, promote} from '../support/rejoin-stage.ts'
import {run} from '../support/run.ts'

const line = (timeline: number, end: string | null, ...history: [number, string][]): Line => ({
  timeline,
  end,
  history: history.map(([number, lsn]) => ({timeline: number, lsn})),
})
const unread = (timeline: number, end: string): Line => ({timeline, end, history: null})

test.each<[string, Line, Line, object]>([
  ['the longer of one line', line(1, '0/300'), line(1, '0/500'), {timeline: 1, lsn: '0/300', isAssumed: false}],
  [
    'an old primary that wrote past the promotion',
    line(1, '0/500'),
    line(2, '0/900', [1, '0/400']),
    {timeline: 1, lsn: '0/400', isAssumed: false},
  ],
  ['one that stopped before it', line(1, '0/300'), line(2, '0/900', [1, '0/400']), {timeline: 1, lsn: '0/300'}],
  [
    'two promotions with one number, from two places',
    line(2, '0/900', [1, '0/400']),
    line(2, '0/800', [1, '0/500']),
    {timeline: 1, lsn: '0/400'},
  ],
  [
    'a fork behind a promotion that both have',
    line(3, '0/A00', [1, '0/400'], [2, '0/700']),
    line(2, '0/800', [1, '0/400']),
    {timeline: 2, lsn: '0/700'},
  ],
  [
    'a history that could not be read, of the lower one',
    unread(2, '0/800'),
    line(3, '0/A00', [1, '0/400'], [2, '0/700']),
    {timeline: 2, lsn: '0/700', isAssumed: true},
  ],
  [
    'a history that could not be read, of one timeline',
    unread(2, '0/800'),
    unread(2, '0/900'),
    {timeline: 2, lsn: '0/800', isAssumed: true},
  ],
])('the fork of two lines: %s', (_, one, other, expected) => {
  expect(forkOf(one, other)).toMatchObject({kind: 'at', ...expected})
  expect(forkOf(other, one)).toMatchObject({kind: 'at', ...expected})
})

test.each<[string, Line, Line, RegExp]>([
  ['the higher history could not be read', line(1, '0/500'), unread(2, '0/900'), /history of timeline 2/],
  ['no end', line(1, null), line(1, '0/900'), /end of timeline 1/],
  ['no timeline in common', line(2, '0/500', [1, '0/400']), line(4, '0/900', [3, '0/400']), /in common/],
])('no fork is named: %s', (_, one, other, why) => {
  expect(forkOf(one, other)).toEqual({kind: 'unknown', why: expect.stringMatching(why)})
})

test('what a host holds alone, and on which timelines', () => {
  const [old, heir] = [line(1, '0/500'), line(3, '0/A00', [1, '0/400'], [2, '0/700'])]
  const fork = {kind: 'at', timeline: 1, lsn: '0/400', isAssumed: false} as const
  expect(aloneOf(old, fork)).toEqual({bytes: 0x100, timelines: [1], from: '0/400'})
  expect(aloneOf(heir, fork)).toEqual({bytes: 0x600, timelines: [2, 3], from: '0/400'})
  expect(aloneOf(line(1, '0/300'), {...fork, lsn: '0/300'})).toEqual({bytes: 0, timelines: [], from: '0/300'})
})

test('a host is recommended by timeline and followers, never by position', () => {
  const ground = (host: string, timeline: number | null, ...followers: string[]) => ({
    ...{host, timeline, followers},
    isPrimary: false,
  })
  expect(adviceOf(ground('a', 1), ground('b', 2, 'c'))).toEqual({
    keep: 'b',
    why: 'b has the higher timeline (2), and c follows it',
  })
  for (const [one, other] of [
    [ground('a', 1), ground('b', 2)],
    [ground('a', 1, 'c'), ground('b', 2)],
    [ground('a', 1, 'c'), ground('b', 2, 'd')],
    [ground('a', 2, 'c'), ground('b', 2)],
    [ground('a', null), ground('b', 2, 'c')],
  ] as const)
    expect(adviceOf(one, other).keep).toBeNull()
  // The standby of a cascade that was promoted by accident takes its followers along.
  expect(adviceOf({...ground('a', 1), isPrimary: true}, ground('b', 2, 'c'))).toEqual({
    keep: null,
    why: 'b has the higher timeline (2), and a still runs as a primary',
  })
})

test('what the other host may hold alone is to be saved first', () => {
  const [kept, none] = [
    {keep: 'b', why: 'c follows it'},
    {keep: null, why: 'both are on timeline 1'},
  ]
  expect(withWarning(kept, 'a', true).why).toBe('c follows it; a may hold commits that b lacks: save them first')
  expect(withWarning(kept, 'a', false)).toEqual(kept)
  expect(withWarning(none, 'a', true)).toEqual(none)
})

const side = (host: string, more: Partial<Side> = {}): Side => ({
  ...{host, role: 'primary', systemIdentifier: '7', upstream: null, followers: [], line: line(1, '0/500')},
  ...{isInRecovery: false, isLeast: false, notes: [], ...more},
})
const compared = (one: Partial<Side>, other: Partial<Side>, isAssumed = false): Compared => ({
  sides: [side('a', one), side('b', other)],
  fork: {kind: 'at', timeline: 1, lsn: '0/500', isAssumed},
  alone: [0, 0x100].map((bytes) => ({bytes, timelines: [], from: '0/500', commits: null})),
  advice: {keep: null, why: 'both are on timeline 1'},
})
const [standby, stopped] = [{role: 'standby', isInRecovery: true}, {role: 'unavailable'}] as const

test.each<[string, 0 | 3 | 4, Compared, RegExp]>([
  ['a standby and a primary', 0, compared(standby, {}), /b holds all that a holds, and more/],
  ['a standby and a primary that is stopped', 0, compared(standby, stopped), /b holds all/],
  ['two primaries of one number', 4, compared({}, {}), /both may have written on timeline 1/],
  ['two primaries of one number, one stopped', 4, compared({}, stopped), /both may have written on timeline 1/],
  ['a stopped standby', 0, compared({}, {...stopped, isInRecovery: true}), /b holds all/],
  ['a primary of a higher timeline', 0, compared({}, {line: line(2, '0/600', [1, '0/500'])}), /b holds all/],
  ['histories that could not be read', 4, compared(standby, {}, true), /not all histories could be read/],
  ['those of two that stream', 0, compared({...standby, upstream: 'b'}, {}, true), /b holds all/],
  ['a standby that may hold more', 4, compared({...standby, isLeast: true}, {}), /a may hold more than it says/],
  ['no word of one', 3, compared({line: null}, {}), /^/],
])('the exit code: %s', (_, exit, given, headline) => {
  expect(exitOf(given)).toBe(exit)
  expect(comparedText(given)).toMatch(headline)
})

test('a standby that tells only its replay position, and a disk whose WAL cannot be read, have notes', () => {
  const state = {role: 'standby', host: 'a', lsn: '0/300', receiveLsn: null} as StandbyHost
  expect(livePosition(state)).toEqual({
    end: '0/300',
    isLeast: true,
    notes: ['a tells only how far it has replayed; it may hold more'],
  })
  expect(livePosition({...state, receiveLsn: '0/400'})).toEqual({end: '0/400', isLeast: false, notes: []})
  const loss = {bytes: 0, end: '0/300', past: '0/340', commits: 0, counted: 0, databases: [], lastAt: null}
  expect(diskPosition('/data', {...loss, doubt: null})).toEqual({end: '0/340', isLeast: false, notes: []})
  expect(diskPosition('/data', {...loss, doubt: 'could not open'})).toMatchObject({
    end: null,
    notes: ['the end of the WAL in /data is unknown: could not open'],
  })
  expect(diskPosition('/data', null).notes).toHaveLength(1)
})

test('rejoin.pgdata that cannot be read is a note', async () => {
  const pgdata = await mkdtemp(join(tmpdir(), 'pgroute66-compare-'))
  const config = {local: 'a', rejoin: {pgdata, bin: debian}} as Parameters<typeof directoriesOf>[1]
  const {directories, notes} = await directoriesOf({pgdata: [], bin: undefined}, config, ['a', 'b'])
  expect([...directories]).toEqual([])
  expect(notes.get('a')).toMatch(/^commits of a not counted: pg_controldata ended with /)
  const asked = await directoriesOf({pgdata: [`a=${pgdata}`], bin: '/bin'}, config, ['a', 'b'])
  expect([[...asked.directories], asked.notes.size]).toEqual([[['a', {bin: '/bin', pgdata}]], 0])
})

test('followers, through a cascade, without the other host and its own', () => {
  const upstreams = new Map([
    ['a', null],
    ['b', 'a'],
    ['c', 'b'],
    ['d', '10.0.0.9:5432'],
    ['e', 'f'],
    ['f', 'e'],
  ])
  expect(followersOf('a', upstreams, 'd')).toEqual(['b', 'c'])
  expect(followersOf('b', upstreams, 'a')).toEqual(['c'])
  expect(followersOf('d', upstreams, 'a')).toEqual([])
})

test.runIf(hasDebian)(
  'an old primary that wrote past a promotion, running and stopped',
  {timeout: 180_000},
  async () => {
    const cluster = await testCluster({server: 'debian'})
    const [host1, host2, host3] = cluster.nodes
    if (!host1 || !host2 || !host3) throw new Error('three nodes')
    const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-compare-'))
    await writeFile(join(cwd, 'pgroute66.yml'), `${hostsYaml(cluster)}\n`, {mode: 0o600})
    const compare = async (...words: string[]) => {
      const {code, stdout, stderr} = await run(['compare', ...words, '--timeout', '60s', '--json'], {cwd})
      return {code, stderr, ...JSON.parse(stdout)}
    }
    await until(async () => (await standbysOf(host1)).length === 2)
    expect(await compare('host1', 'host2')).toMatchObject({
      code: 0,
      keep: null,
      hosts: {host2: {bytes_alone: 0, upstream: 'host1'}},
    })

    await promote(host2, host3)
    await host1.sql('create table past (id int)')
    for (const id of [1, 2, 3]) await host1.sql(`insert into past values (${id})`)
    await host2.sql('create table newer (id int)')
    const blind = await compare('host1', 'host2')
    expect([blind.code, blind.fork, blind.keep]).toEqual([4, null, null])
    expect(blind.hosts.host2.notes[0]).toContain('GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text)')

    await host2.sql('grant execute on function pg_catalog.pg_read_binary_file(text) to pgroute66')
    const [old, heir] = [host1, host2].map(({name, data}) => ['--pgdata', `${name}=${data}`])
    const seen = await compare('host1', 'host2', ...(old ?? []), ...(heir ?? []))
    expect(seen).toMatchObject({
      code: 4,
      summary: 'each holds what the other lacks',
      fork: {timeline: 1, lsn: expect.stringMatching(/^0\//), assumed: false},
      hosts: {
        host1: {role: 'primary', timeline: 1, commits_alone: 4, followers: []},
        host2: {role: 'primary', timeline: 2, commits_alone: 2, followers: ['host3']},
      },
      keep: null,
      why: 'host2 has the higher timeline (2), and host1 still runs as a primary',
    })
    expect(seen.hosts.host1.bytes_alone).toBeGreaterThan(0)

    await crash(host1)
    const silent = await compare('host1', 'host2')
    expect([silent.code, silent.hosts.host1.notes[0]]).toEqual([
      3,
      expect.stringContaining('add --pgdata host1=FOLDER'),
    ])
    const stopped = await compare('host1', 'host2', ...(old ?? []), '--bin', debian)
    expect([stopped.code, stopped.fork, stopped.hosts.host1.commits_alone]).toEqual([4, seen.fork, 4])
    const text = await run(['compare', 'host1', 'host2', '-t', '60s', ...(old ?? []), '--bin', debian], {cwd})
    expect(text.stdout).toMatch(
      /^host1 and host2: each holds .*\n {2}fork .*\n {2}host1 .*4 commits.*\n(.*\n)*Keep host2: .*; host1 may hold/,
    )

    await crash(host3)
    const behind = await compare('host2', 'host3', '--pgdata', `host3=${host3.data}`, '--bin', debian)
    expect([behind.code, behind.hosts.host3.timeline, behind.hosts.host3.bytes_alone]).toEqual([0, 2, 0])

    const wal = join(host1.data, 'pg_wal')
    for (const name of await readdir(wal)) if (/^[0-9A-F]{24}$/.test(name)) await truncate(join(wal, name))
    const broken = await compare('host1', 'host2', ...(old ?? []), '--bin', debian)
    expect([broken.code, broken.hosts.host1.lsn, broken.hosts.host1.notes]).toEqual([
      4,
      null,
      [expect.any(String), expect.stringContaining('the end of the WAL in')],
    ])
  },
)

test.each([
  [['host1', 'host9'], /there is no host "host9"/],
  [['host1', 'host1'], /host1 is named twice/],
  [['host1', 'host2', '--pgdata', '/data'], /--pgdata "\/data" is not HOST=FOLDER/],
  [['host1', 'host2', '--group', 'b'], /no group has both host1 and host2/],
  [['host1', 'host2', '--timeout', '5'], /--timeout "5"/],
])('a question that is none: %j', async (words, text) => {
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-compare-'))
  const hosts = ['host1', 'host2', 'host3'].map((name) => `  ${name}: {host: 127.0.0.1, port: "1", user: a}`)
  const groups = 'groups: {a: [host1, host2], b: [host1, host3]}'
  await writeFile(join(cwd, 'pgroute66.yml'), ['hosts:', ...hosts, groups, ''].join('\n'), {mode: 0o600})
  const {code, stderr} = await run(['compare', ...words], {cwd})
  expect([code, stderr]).toEqual([2, expect.stringMatching(text)])
})
