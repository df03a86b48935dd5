import {describe, expect, test} from 'vitest'
import {linesOf} from '../../src/app/patroni/line.ts'
import {listing} from '../../src/app/patroni/list.ts'
import {tableOf, tsvOf} from '../../src/app/patroni/table.ts'
import {recordedOverview} from './overviews.ts'

const table = {format: 'table', isExtended: false} as const
const shown = (state: string, isTree = false) => {
  const {text, exit} = listing(recordedOverview(state), {format: 'table', isExtended: false, isTree})
  return `exit ${exit}\n${text}`
}

/** What each shows is in the file, which is the text that an operator reads. */
const states: readonly {given: string; state: string; isTree?: boolean}[] = [
  {given: '3.0.2: one leader, two standbys that stream', state: 'etcd3-24-steady-failsafe-enabled'},
  {given: '4.1.4: a quorum, with tags', state: 'patroni414-02-quorum'},
  {given: 'as a tree', state: 'patroni414-02-quorum', isTree: true},
  {given: 'a pending restart', state: 'etcd3-03-pending-restart'},
  {
    given: 'standbys that are stuck on a higher timeline: their lag is not 0, as patronictl says, but unknown',
    state: 'etcd3-23-after-thaw-replicas-stuck-on-higher-timeline',
  },
  {
    given: 'paused, with a second primary: patronictl lists it as a replica with lag 0',
    state: 'etcd3-35-paused-second-primary-promoted-by-hand',
  },
  {given: 'the DCS is away, failsafe mode keeps the leader', state: 'etcd3-34-etcd-down-failsafe-on'},
  {given: 'the DCS is away without failsafe mode: no leader', state: 'etcd3-33-etcd-down-failsafe-off-demoted'},
  {given: 'the leader holds the lock while PostgreSQL is down', state: 'etcd3-21-leader-killed-cannot-restart'},
  {given: 'a member whose REST API hangs', state: 'etcd3-07-node2-cut-from-leader-pg'},
  {given: 'the leader of a standby cluster', state: 'etcd3-40-standby-cluster-leader'},
]

describe('list, in recorded states', () => {
  test('the tables', async () => {
    const tables = states.map(({given, state, isTree}) => `${given}\n${shown(state, isTree)}\n`)
    await expect(tables.join('\n')).toMatchFileSnapshot('../fixtures/patroni/lists.txt')
  })

  test('words of a server below the table add no line', () => {
    const overview = recordedOverview('patroni414-02-quorum')
    const scheduled_switchover = {at: 'soon\n Maintenance mode: on', from: 'node1'}
    const {text} = listing({...overview, dcs: overview.dcs && {...overview.dcs, scheduled_switchover}}, table)
    expect(text).toContain('Switchover scheduled at: soon  Maintenance mode: on from node1')
  })

  test('only the leader is known, and its DCS is away: who streams from it is told', () => {
    const {asked, leader, ...rest} = recordedOverview('etcd3-34-etcd-down-failsafe-on')
    const overview = {...rest, leader, asked: asked.filter(({name}) => name === 'node3')}
    const {members} = JSON.parse(listing(overview, {format: 'json', isExtended: false}).text)
    expect(members).toMatchObject([
      {member: 'node3', role: 'leader', ageSeconds: 0},
      {member: 'node1', host: '10.66.0.11', role: 'replica', state: 'streaming', ageSeconds: null},
      {member: 'node2', host: '10.66.0.12', role: 'replica', state: 'streaming', ageSeconds: null},
    ])
  })

  test('by etcd: a leader key that names another member is a contradiction', () => {
    const tree = {leader: 'node1', members: [], initialize: null, config: {}, failover: null}
    const {text, exit} = listing({...recordedOverview('etcd3-24-steady-failsafe-enabled'), tree}, table)
    expect([exit, text]).toEqual([4, expect.stringContaining('CONTRADICTION: the leader key names node1, but node3')])
  })

  test.each([
    {given: 'another timeline', status: {timeline: 5}, wanted: ['streaming', 'unknown']},
    {given: 'no timeline', status: {timeline: null}, wanted: ['streaming', 'unknown']},
    {
      given: 'its own word that it does not stream, though the leader lists it',
      status: {replication_state: 'in archive recovery'},
      wanted: ['running', 'unknown'],
    },
    {given: 'nothing else', status: {}, wanted: ['streaming', 0]},
  ])('the lag of a standby with $given', ({status, wanted}) => {
    const overview = recordedOverview('etcd3-24-steady-failsafe-enabled')
    const asked = overview.asked.map((one) => {
      if (one.name !== 'node1' || !('answer' in one.heard) || one.heard.answer.data === null) return one
      const {answer, member} = one.heard
      return {...one, heard: {member, answer: {...answer, data: {...one.heard.answer.data, ...status}}}}
    })
    const [line] = linesOf({...overview, asked})
    expect([line?.state, line?.receiveLag]).toEqual(wanted)
  })

  test('a text of the server cannot move the cursor, nor break a line', () => {
    const columns = [{head: 'State', key: 'state', of: (state: string) => state}]
    expect(tableOf('', columns, ['a\u001b[2J\nb'])).toBe(
      '+---------+\n| State   |\n+---------+\n| a [2J b |\n+---------+',
    )
    expect(tsvOf(columns, ['a\tb'])).toBe('State\na b')
  })

  test('SQL beside Patroni: the hosts by address, and what contradicts', () => {
    const host = (byte: number, role: 'primary' | 'standby' | 'unavailable', timeline: number | null) => ({
      ...{host: `host${byte}`, address: `10.66.0.1${byte}`, port: 5432, member: null, ageSeconds: 0},
      ...{role, cause: role === 'unavailable' ? 'refused' : null, timeline},
    })
    const shownWith = (...hosts: ReturnType<typeof host>[]) => {
      const overview = {...recordedOverview('etcd3-24-steady-failsafe-enabled'), sql: {hosts}}
      const {text, exit} = listing(overview, table)
      return {text, exit, said: text.match(/(?<=CONTRADICTION: ).*/g) ?? []}
    }
    const agreed = shownWith(host(1, 'standby', 6), host(2, 'unavailable', null), host(3, 'primary', 6))
    expect([agreed.exit, agreed.said]).toEqual([0, []])
    expect(agreed.text).toMatch(/ node2 .* unavailable \(refused\) /)
    expect(agreed.text).toMatch(/ node3 .* primary TL 6 /)
    const promoting = shownWith(host(1, 'standby', 6), host(3, 'standby', 6))
    expect([promoting.exit, promoting.said]).toEqual([4, ['node3 leads by Patroni, and SQL shows a standby']])
    expect(promoting.text).toMatch(/ node2 .* \? +\| 0 s/)
    const two = shownWith(host(1, 'primary', 7), host(3, 'primary', 5))
    expect([two.exit, two.said]).toEqual([
      4,
      ['SQL shows node1 as a primary, and Patroni does not', 'node3 leads on timeline 6 by Patroni, and on 5 by SQL'],
    ])
  })

  test('without a daemon there is no column SQL, and the reason is told', () => {
    const overview = {...recordedOverview('etcd3-24-steady-failsafe-enabled'), sql: {why: 'the daemon at /s is absent'}}
    const {text, exit} = listing(overview, table)
    expect([exit, text]).toEqual([0, expect.stringContaining('No column SQL: the daemon at /s is absent')])
    expect(text).not.toContain('| SQL')
  })

  test('etcd is silent, and the members are known without it: a note', () => {
    const overview = {...recordedOverview('etcd3-24-steady-failsafe-enabled'), treeSilence: 'etcd at http://e: refused'}
    const {text, exit} = listing(overview, table)
    expect([exit, text]).toEqual([0, expect.stringContaining('Leader key not read: etcd at http://e: refused')])
  })

  test('two members that claim to lead', () => {
    const overview = recordedOverview('etcd3-24-steady-failsafe-enabled')
    const {claims, ...leader} = overview.leader
    const [claim] = claims
    if (claim === undefined) throw new Error('no claim is recorded')
    const two = [claim, {...claim, member: 'http://10.66.0.11:8008'}]
    const {text, exit} = listing({...overview, leader: {...leader, claims: two, holder: null}}, table)
    expect([exit, text]).toEqual([4, expect.stringContaining('CONTRADICTION: node3 and node1 both claim to lead')])
  })

  test('a document has every column, with bytes and with what is not known', () => {
    const {text} = listing(recordedOverview('etcd3-23-after-thaw-replicas-stuck-on-higher-timeline'), {
      format: 'json',
      isExtended: false,
    })
    const {members, ...cluster} = JSON.parse(text)
    expect(cluster).toMatchObject({exit: 0, scope: 'pg', leader: 'node3', isPaused: false, dcs: {isReachable: true}})
    expect(members[0]).toMatchObject({member: 'node1', role: 'replica', receiveLagBytes: 'unknown', ageSeconds: 0})
    expect(members[2]).toMatchObject({member: 'node3', role: 'leader', receiveLagBytes: null, tags: {zone: 'a'}})
  })

  test('yaml and tsv', () => {
    const overview = recordedOverview('etcd3-40-standby-cluster-leader')
    expect(listing(overview, {format: 'yaml', isExtended: false}).text).toMatch(/^leader: node4$/m)
    const [heads = '', values = ''] = listing(overview, {format: 'tsv', isExtended: false}).text.split('\n')
    expect([heads.split('\t').length, values.split('\t').slice(0, 3)]).toEqual([
      16,
      ['node4', '10.66.0.14', 'standby_leader'],
    ])
  })
})
