import {expect, test} from 'vitest'
import type {Evidence} from '../../src/core/snapshot.ts'
import {changesToWire, toWire} from '../../src/protocol/snapshot-json.ts'
import {changesFromWire, fromWire} from '../../src/protocol/snapshot-reader.ts'
import {available, drained, noon, primary, snapshot, standby, unasked, unavailable} from '../support/snapshots.ts'

const evidence: Evidence = {
  source: 'followers',
  subject: 'host1',
  answer: 'confirms',
  contradictsSql: false,
  required: true,
  why: 'host2 and host3 stream from host1 on timeline 3',
  askedAt: noon.now - 40,
}
const given = snapshot({
  hosts: {
    host1: primary({availability: available(0)}),
    host2: standby('host1', {
      drained,
      lagMs: 12.3456,
      delayed: {delayMs: 3_600_000, isReadable: true},
      availability: {kind: 'unknown', why: 'no heartbeat yet', askedAt: noon.now - 5},
    }),
    host3: unavailable('auth'),
    host4: unasked(),
  },
  verdict: {why: 'because'},
  evidence: [evidence],
})

/** The text of API.md, key by key and in its order. */
const documented = {
  snapshot: 'schema epoch sequence at ready version max_age_ms groups hosts actuators maintenance hold config',
  group: 'hosts verdict evidence',
  verdict: 'kind rule situation primary primaries routed_to suspect blind why since',
  evidence: 'source subject answer contradicts_sql required why age_ms',
  host:
    'role cause detail blind since asked_at age_ms address port groups location drained server_version ' +
    'cluster_name system_identifier started_at timeline lsn lag_bytes lag_ms upstream receiver_state ' +
    'replication_state sync_state read_only replay_paused backends_used backends_max probe_ms availability delayed',
  change: 'epoch sequence at changes snapshot',
}
const keys = (value: object | undefined) => Object.keys(value ?? {}).join(' ')

test('the keys are those of API.md, in its order', () => {
  const wire = JSON.parse(JSON.stringify(toWire(given, noon)))
  expect(keys(wire)).toBe(documented.snapshot)
  expect(keys(wire.groups.all)).toBe(documented.group)
  expect(keys(wire.groups.all.verdict)).toBe(documented.verdict)
  expect(keys(wire.groups.all.evidence[0])).toBe(documented.evidence)
  for (const host of Object.values<object>(wire.hosts)) expect(keys(host)).toBe(documented.host)
  expect(keys(changesToWire([], given, noon))).toBe(documented.change)
})

test('what is unknown is null, never left out', () => {
  const wire = toWire(given, noon).hosts.host4
  expect(wire).toMatchObject({
    role: 'unavailable',
    cause: null,
    asked_at: null,
    age_ms: null,
    lag_bytes: null,
    receiver_state: null,
  })
  expect(Object.values(wire ?? {})).not.toContain(undefined)
})

test('ages are counted at the moment of the answer', () => {
  const later = {now: noon.now + 988, wall: noon.wall + 988}
  const {at, hosts, groups} = toWire(given, later)
  expect(at).toBe('2026-11-21T12:00:00.988Z')
  expect(hosts.host1).toMatchObject({age_ms: 1000, asked_at: '2026-11-21T11:59:59.988Z'})
  expect(groups.all?.evidence[0]?.age_ms).toBe(1028)
  expect(hosts.host2?.availability).toEqual({kind: 'unknown', delay_ms: null, why: 'no heartbeat yet', age_ms: 993})
  expect(hosts.host2?.lag_ms).toBe(12.346)
})

test('a daemon of an earlier version says nothing of a delay: none is known', () => {
  const {delayed, ...earlier} = toWire(given, noon).hosts.host2 ?? {}
  expect(delayed).toEqual({delay_ms: 3_600_000, read: true})
  const whole = toWire(given, noon)
  const older = {...whole, hosts: {...whole.hosts, host2: earlier}}
  expect(fromWire(JSON.parse(JSON.stringify(older)), noon.now).hosts.host2).toMatchObject({delayed: null})
})

test('there and back, by a clock of another machine', () => {
  const theirs = {now: 77, wall: noon.wall}
  const back = fromWire(JSON.parse(JSON.stringify(toWire(given, noon))), theirs.now)
  expect(toWire(back, theirs)).toEqual(toWire(given, noon))
  expect(back.hosts.host1?.askedAt).toBe(65)
  expect(back.hosts.host2).toMatchObject({receiver: {status: 'streaming'}})
})

test('changes there and back', () => {
  const changes = [
    {kind: 'role', group: null, host: 'host1', from: 'standby', to: 'primary', rule: null, why: 'answers as primary'},
  ] as const
  const back = changesFromWire(JSON.parse(JSON.stringify(changesToWire(changes, given, noon))), noon.now)
  expect(back.changes).toEqual(changes)
  expect(back.snapshot.sequence).toBe(given.sequence)
})

test('a host may be called like a property of every object', () => {
  const odd = snapshot({hosts: {['__proto__']: primary(), constructor: standby('__proto__')}})
  const back = fromWire(JSON.parse(JSON.stringify(toWire(odd, noon))), noon.now)
  expect(Object.keys(back.hosts)).toEqual(['__proto__', 'constructor'])
})

const wire = (change: (draft: Record<string, never>) => unknown) =>
  change(JSON.parse(JSON.stringify(toWire(given, noon))))
function routed(change: object) {
  const whole = toWire(snapshot({hosts: {host1: primary(), host2: standby()}}), noon)
  return {...whole, groups: {all: {...whole.groups.all, verdict: {...whole.groups.all?.verdict, ...change}}}}
}
const spoiled: Readonly<Record<string, unknown>> = {
  null: null,
  'a list': [],
  'a text': 'snapshot',
  'another schema': wire((draft) => ({...draft, schema: 2})),
  'no epoch': wire((draft) => ({...draft, epoch: undefined})),
  'no age limit': wire((draft) => ({...draft, max_age_ms: undefined})),
  'a time that is not one': wire((draft) => ({...draft, at: 'noon'})),
  'hosts as a list': wire((draft) => ({...draft, hosts: []})),
  'an unknown role': wire((draft) => ({
    ...draft,
    hosts: {host1: {...toWire(given, noon).hosts.host1, role: 'leader'}},
  })),
  'a verdict whose kind contradicts its rule': routed({kind: 'starting'}),
  'a route to a host that is not among the primaries (S1)': routed({primaries: []}),
  'a group without a verdict': wire((draft) => ({...draft, groups: {all: {hosts: [], evidence: []}}})),
}
test('a whole snapshot is read', () => {
  expect(() => fromWire(routed({}), 0)).not.toThrow()
})
for (const [name, json] of Object.entries(spoiled)) {
  test(`${name} is no snapshot`, () => {
    expect(() => fromWire(json, 0)).toThrow()
  })
}

test('P1: an event whose sequence is not that of its snapshot is refused', () => {
  const event = changesToWire([], given, noon)
  expect(() => changesFromWire({...event, sequence: event.sequence + 1}, 0)).toThrow('(P1 in SPEC.md)')
  expect(() => changesFromWire({...event, epoch: 'other'}, 0)).toThrow('(P1 in SPEC.md)')
})
