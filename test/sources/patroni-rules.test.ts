import {describe, expect, test} from 'vitest'
import type {LeaderKey} from '../../src/sources/patroni/leader-key.ts'
import {assessPatroni, assessUnled, lockHolders, type PatroniCase} from '../../src/sources/patroni/rules.ts'
import {answered, answerOf, caseOf, keyOf, now, recorded, unreadKey, word, wordsOf} from './patroni-stage.ts'

type Row = Readonly<{
  state: string
  /** The host in question, and its timeline by SQL. `unled`: no host is primary by SQL. */
  of: readonly [host: string, timeline: number | null] | 'unled'
  key?: LeaderKey
  answer: 'confirms' | 'denies' | 'silent' | null
  /** Absent: the host in question. */
  subject?: string | null
  why?: RegExp
}>

/** Each recorded state, as SQL showed it then (PATRONI: which host was primary, on which timeline). */
const rows: readonly Row[] = [
  {state: 'etcd-01-steady', of: ['host1', 1], key: keyOf('node1'), answer: 'confirms'},
  {state: 'etcd3-00-replicas-cannot-start', of: ['host1', 1], answer: 'confirms'},
  {state: 'etcd3-01-steady-async', of: ['host1', 2], key: keyOf('node1'), answer: 'confirms'},
  {state: 'etcd3-01-steady-async', of: ['host2', 2], key: keyOf('node1'), answer: 'denies', subject: 'host1'},
  {state: 'etcd3-02-sync-mode', of: ['host1', 2], answer: 'confirms'},
  {state: 'etcd3-03-pending-restart', of: ['host1', 2], answer: 'confirms'},
  {state: 'etcd3-04-paused', of: ['host1', 2], key: keyOf('node1'), answer: 'confirms'},
  {state: 'etcd3-05-paused-replica-stopped', of: ['host3', 2], answer: 'denies', why: /does not hold/},
  {state: 'etcd3-06-replay-paused-by-hand-and-resumed-by-patroni', of: ['host1', 2], answer: 'confirms'},
  {state: 'etcd3-08-failsafe-mode-on-quiet', of: ['host1', 2], answer: 'confirms'},
  {state: 'etcd3-10-after-switchover', of: ['host2', 3], key: keyOf('node2'), answer: 'confirms'},
  {state: 'etcd3-10-after-switchover', of: ['host1', 2], answer: 'denies', subject: 'host2'},
  {state: 'etcd3-11-during-reinitialize', of: ['host3', 3], answer: 'denies'},
  // The nine contradictions.
  {state: 'etcd3-20-leader-killed-at-once', of: 'unled', answer: 'denies', subject: 'host1', why: /unknown/},
  {state: 'etcd3-20-leader-killed-at-once', of: ['host1', 4], key: keyOf('node1'), answer: 'denies'},
  {state: 'etcd3-21-leader-killed-cannot-restart', of: ['host1', 5], answer: 'denies', why: /role replica/},
  {state: 'etcd3-22-leader-pg-frozen', of: ['host3', 6], key: keyOf('node3'), answer: 'silent'},
  {state: 'etcd3-23-after-thaw-replicas-stuck-on-higher-timeline', of: ['host3', 6], answer: 'confirms'},
  {state: 'etcd3-30-leader-cut-from-etcd-failsafe-on', of: ['host3', 6], key: keyOf(null), answer: 'confirms'},
  {
    state: 'etcd3-30-leader-cut-from-etcd-failsafe-on',
    of: ['host3', 6],
    answer: 'confirms',
    why: /3 of 3 members agree/,
  },
  {state: 'etcd3-31-leader-cut-from-etcd-failsafe-off', of: ['host3', 6], answer: 'denies'},
  {state: 'etcd3-31-leader-cut-from-etcd-failsafe-off', of: 'unled', answer: null},
  {state: 'etcd3-32-etcd-down-failsafe-off-early', of: ['host1', 7], key: unreadKey, answer: 'denies', why: /stopping/},
  {state: 'etcd3-33-etcd-down-failsafe-off-demoted', of: ['host1', 7], key: unreadKey, answer: 'denies'},
  {state: 'etcd3-34-etcd-down-failsafe-on', of: ['host3', 8], key: unreadKey, answer: 'confirms'},
  {state: 'etcd3-35-paused-second-primary-promoted-by-hand', of: ['host3', 8], key: keyOf('node3'), answer: 'confirms'},
  {
    state: 'etcd3-35-paused-second-primary-promoted-by-hand',
    of: ['host1', 9],
    key: keyOf('node3'),
    answer: 'denies',
    subject: 'host3',
  },
  {state: 'etcd3-24-steady-failsafe-enabled', of: ['host3', 6], key: keyOf('node3'), answer: 'confirms'},
  {state: 'etcd3-40-standby-cluster-leader', of: ['host4', 2], answer: 'denies', why: /standby_leader/},
  {state: 'patroni414-01-steady', of: ['host1', 1], key: keyOf('node1'), answer: 'confirms'},
  {state: 'patroni414-02-quorum', of: ['host1', 1], answer: 'confirms'},
  {state: 'patroni414-03-paused', of: ['host1', 1], answer: 'confirms'},
  {state: 'patroni414-04-leader-killed', of: ['host1', 1], answer: 'denies', why: /starting/},
  {state: 'patroni414-05-leader-frozen', of: ['host1', 1], answer: 'silent'},
  {state: 'patroni414-06-after-thaw', of: ['host3', 2], key: keyOf('node3'), answer: 'confirms'},
  {state: 'patroni414-06-after-thaw', of: ['host1', 1], answer: 'denies', subject: 'host3'},
  {state: 'patroni414-07-paused-etcd-down', of: ['host3', 2], key: unreadKey, answer: 'denies', why: /role alone/},
]

describe('H1 to H7: each recorded state', () => {
  test.each(rows)('$state, $of: $answer', ({state, of, key = null, answer, subject, why}) => {
    const given = caseOf(state, {key})
    const said = of === 'unled' ? assessUnled(given) : assessPatroni({host: of[0], timeline: of[1]}, given)
    expect(said?.answer ?? null).toBe(answer)
    if (said === null) return
    expect(said.subject).toBe(subject === undefined ? of[0] : subject)
    expect(said.why).toMatch(why ?? /node/)
  })

  test('no recorded state is left out', () => {
    const seen = new Set(rows.map(({state}) => state))
    expect(Object.keys(recorded).filter((state) => !seen.has(state))).toEqual(['etcd3-07-node2-cut-from-leader-pg'])
  })
})

const steady = 'patroni414-01-steady'
const leader = {host: 'host1', timeline: 1}
/** The steady cluster with another answer of the leader, or of another member. */
const altered = (body: object, {node = 'node1', status = undefined as number | undefined, ageMs = 0} = {}) =>
  wordsOf(steady).map((one) =>
    one.name === node ? word(node, answerOf(answered(steady, node, body, status), ageMs)) : one,
  )
const judged = (more: Partial<PatroniCase>, of = leader) => assessPatroni(of, caseOf(steady, more))

describe('H1: whose answer counts', () => {
  test('an answer of another scope denies: the URL leads to another cluster', () => {
    expect(judged({scope: 'other'})).toMatchObject({answer: 'denies', why: 'node1 belongs to the scope pg4'})
  })
  test('an answer of another system identifier denies', () => {
    expect(judged({systemIdentifier: '1'}).answer).toBe('denies')
  })
  test('without a known identifier of the group, any identifier counts', () => {
    expect(judged({systemIdentifier: null}).answer).toBe('confirms')
  })
  test('an answer without identifier or scope is silent', () => {
    expect(judged({members: altered({database_system_identifier: undefined})}).answer).toBe('silent')
    expect(judged({members: altered({patroni: {version: '4.1.4'}})}).answer).toBe('silent')
  })
  test('the local API of a pgroute66 is no member: a verdict does not confirm itself', () => {
    const {answer, why} = judged({members: altered({pgroute66: {verdict: 'primary'}})})
    expect([answer, why]).toEqual(['silent', expect.stringContaining('is the local_api of a pgroute66, not Patroni')])
  })
  test('an answer counts for max_age from when it was asked, and not longer', () => {
    expect(judged({members: altered({}, {ageMs: 3_000})})).toMatchObject({answer: 'confirms', freshUntil: now})
    expect(judged({members: altered({}, {ageMs: 3_001})}).answer).toBe('silent')
  })
  test('the answer of another scope at the URL of another member says nothing of the leader', () => {
    expect(judged({members: altered({patroni: {scope: 'other'}}, {node: 'node2', status: 200})}).answer).toBe(
      'confirms',
    )
  })
})

describe('H2: what a claim is', () => {
  test.each([
    {given: 'PostgreSQL crashed', body: {state: 'crashed'}, answer: 'denies'},
    {given: 'the role is replica', body: {role: 'replica'}, answer: 'denies'},
    {given: 'the leader of a standby cluster', body: {role: 'standby_leader'}, answer: 'denies'},
    {given: 'the word of Patroni before 4.0', body: {role: 'master'}, answer: 'confirms'},
    {given: 'paused, with the lock', body: {pause: true}, answer: 'confirms'},
    {given: 'paused, and no lock is known', body: {pause: true, cluster_unlocked: true}, answer: 'denies'},
    {
      given: 'paused, and no lock is known, in failsafe mode',
      body: {pause: true, cluster_unlocked: true, failsafe_mode_is_active: true},
      answer: 'denies',
    },
    {given: 'no lock is known', body: {cluster_unlocked: true}, answer: 'denies'},
    {given: 'the DCS was seen a ttl ago', body: {dcs_last_seen: 1795903602 - 20}, answer: 'confirms'},
    {given: 'the DCS was seen longer ago', body: {dcs_last_seen: 1795903602 - 21}, answer: 'silent'},
    {given: 'it does not tell when (before 2.1)', body: {dcs_last_seen: undefined}, answer: 'silent'},
  ])('200 where $given: $answer', ({body, answer}) => {
    expect(judged({members: altered(body)}).answer).toBe(answer)
  })
  test('the age of the DCS grows with the age of the answer, and bounds for how long it counts', () => {
    const members = altered({dcs_last_seen: 1795903602 - 19})
    expect(judged({members})).toMatchObject({answer: 'confirms', freshUntil: now + 1_000})
    expect(judged({members: altered({dcs_last_seen: 1795903602 - 19}, {ageMs: 1_001})}).answer).toBe('silent')
  })
})

describe('H3: what confirms', () => {
  test('another timeline than SQL shows does not; an unknown one does not hinder', () => {
    expect(judged({members: altered({timeline: 2})}).answer).toBe('silent')
    expect(judged({members: altered({timeline: null})}).answer).toBe('confirms')
    expect(judged({}, {...leader, timeline: null as unknown as number}).answer).toBe('confirms')
  })
  test('the key must not deny, unless via is rest', () => {
    for (const key of [keyOf('node2'), keyOf(null), keyOf('stranger')]) {
      expect(judged({key}).answer).toBe('denies')
      expect(judged({key, via: 'rest'}).answer).toBe('confirms')
    }
    expect(judged({key: keyOf('node2')}).subject).toBe('host2')
    expect(judged({key: keyOf('stranger')}).subject).toBeNull()
  })
  test('a key that cannot be read, or was read too long ago, does not hinder', () => {
    expect(judged({key: unreadKey}).answer).toBe('confirms')
    expect(judged({key: {...(keyOf('node2') as object), askedAt: now - 3_001} as LeaderKey}).answer).toBe('confirms')
  })
  test('via etcd: the key, its lease and the key of the member', () => {
    const via = 'etcd' as const
    expect(judged({via, key: keyOf('node1')})).toMatchObject({
      answer: 'confirms',
      why: 'node1 leads by its key, 2 s old',
      freshUntil: now + 3_000,
    })
    expect(judged({via, key: keyOf('node1', 1_000)})).toMatchObject({freshUntil: now + 1_000})
    expect(judged({via, key: keyOf('node1', 0)}).answer).toBe('silent')
    expect(judged({via, key: keyOf('node2')})).toMatchObject({answer: 'denies', subject: 'host2'})
    expect(judged({via, key: keyOf(null)}).answer).toBe('denies')
    expect(judged({via, key: unreadKey}).answer).toBe('silent')
    const replica = {...(keyOf('node1') as object), members: (keyOf('node2') as {members: unknown}).members}
    expect(judged({via, key: replica as LeaderKey}).answer).toBe('denies')
  })
})

describe('H4 and H7: what denies', () => {
  test('another member that holds the lock, whatever its PostgreSQL does', () => {
    for (const body of [{role: 'primary'}, {role: 'replica'}, {state: 'crashed', role: 'primary'}]) {
      const said = judged({members: altered(body, {node: 'node2', status: 200})})
      expect(said).toMatchObject({answer: 'denies', subject: 'host2'})
    }
  })
  test('two holders for longer than a second are told as such; both are denied', () => {
    const members = altered({role: 'primary'}, {node: 'node2', status: 200})
    expect(lockHolders(caseOf(steady, {members}))).toEqual(['node1', 'node2'])
    expect(judged({members, disputedForMs: 1_000}).why).not.toContain('two members hold the lock')
    for (const host of ['host1', 'host2']) {
      const said = assessPatroni({host, timeline: 1}, caseOf(steady, {members, disputedForMs: 1_001}))
      expect(said.answer).toBe('denies')
      expect(said.why).toContain('two members hold the lock')
    }
  })
  test('the key counts as a holder, and a key that names the claiming member does not', () => {
    expect(lockHolders(caseOf(steady, {key: keyOf('node1')}))).toEqual(['node1'])
    expect(lockHolders(caseOf(steady, {key: keyOf('node3')}))).toEqual(['node1', 'node3'])
  })
  test('a silent member, where a fresh one knows of no lock, and none is in failsafe mode', () => {
    const frozen = word('node1', {askedAt: now, kind: 'none', why: 'does not answer'})
    const others = altered({cluster_unlocked: true}, {node: 'node2'}).slice(1)
    expect(judged({members: [frozen, ...others]}).answer).toBe('denies')
    expect(judged({members: [frozen, ...wordsOf(steady).slice(1)], key: keyOf(null)}).answer).toBe('denies')
    const old = altered({cluster_unlocked: true, dcs_last_seen: 1795903000}, {node: 'node2'}).slice(1)
    expect(judged({members: [frozen, ...old]}).answer).toBe('silent')
    const failsafe = {cluster_unlocked: true, failsafe_mode_is_active: true}
    expect(judged({members: [frozen, ...altered(failsafe, {node: 'node2'}).slice(1)], key: keyOf(null)}).answer).toBe(
      'silent',
    )
  })
  test('a member without its DCS denies no leader that claims', () => {
    const members = altered({cluster_unlocked: true, dcs_last_seen: 1795903000}, {node: 'node2'})
    expect(judged({members}).answer).toBe('confirms')
  })
})

describe('H5: failsafe mode', () => {
  const state = 'etcd3-34-etcd-down-failsafe-on'
  const host = {host: 'host3', timeline: 8}
  const without = (...gone: readonly string[]) => wordsOf(state).filter(({name}) => !gone.includes(name ?? ''))
  test('more than half of the members must be in it', () => {
    expect(assessPatroni(host, caseOf(state, {members: without('node1')})).answer).toBe('confirms')
    expect(assessPatroni(host, caseOf(state, {members: without('node1', 'node2')}))).toMatchObject({
      answer: 'silent',
      why: 'node3 leads in failsafe mode, but only 1 of 3 members are in failsafe mode',
    })
  })
  test('until its lock has ended in the DCS, it needs no other member: they enter the mode one after the other', () => {
    const seen = (ageS: number) => {
      const date = Date.parse('Sat, 28 Nov 2026 22:04:01 GMT') / 1_000
      const members = [word('node3', answerOf(answered(state, 'node3', {dcs_last_seen: date - ageS})))]
      return assessPatroni(host, caseOf(state, {members, key: keyOf(null)}))
    }
    expect(seen(17)).toMatchObject({answer: 'confirms', freshUntil: now + 1_000})
    expect(seen(18)).toMatchObject({answer: 'confirms', freshUntil: now})
    expect(seen(19).answer).toBe('silent')
  })
  test('of the list of the cluster, not of those that we know', () => {
    const members = without('node1')
    expect(assessPatroni(host, caseOf(state, {members, failsafeMembers: 4})).answer).toBe('silent')
    expect(assessPatroni(host, caseOf(state, {members, failsafeMembers: null})).answer).toBe('confirms')
  })
  test('an absent key does not deny it, the key of another member does', () => {
    expect(assessPatroni(host, caseOf(state, {key: keyOf(null)})).answer).toBe('confirms')
    expect(assessPatroni(host, caseOf(state, {key: keyOf('node1')})).answer).toBe('denies')
  })
})

describe('H6: silence', () => {
  test.each([401, 404, 500, 502])('HTTP %s is no answer of Patroni', (status) => {
    expect(judged({members: altered({}, {status})})).toMatchObject({
      answer: 'silent',
      why: `node1 answers HTTP ${status}`,
    })
  })
  test('a host that no member is', () => {
    expect(judged({}, {host: 'host9', timeline: 1})).toMatchObject({answer: 'denies', subject: 'host1'})
    const others = wordsOf(steady).slice(1)
    expect(judged({members: others}, {host: 'host9', timeline: 1}).why).toContain('set patroni.members')
  })
  test('a leader of which the host is not known may be the host in question', () => {
    const members = wordsOf(steady).map((one) => ({...one, host: null}))
    expect(judged({members})).toMatchObject({answer: 'silent', subject: 'host1'})
    expect(judged({members: [], key: keyOf('stranger')}).answer).toBe('silent')
    const known = wordsOf(steady).map((one) => (one.name === 'node1' ? {...one, host: null} : one))
    expect(judged({members: known}, {host: 'host2', timeline: 1})).toMatchObject({answer: 'denies', subject: null})
  })
})
