import {expect, test} from 'vitest'
import {OperatorError} from '../../src/core/errors.ts'
import {ownSources} from '../../src/core/evidence/evidence.ts'
import {sourcesByName} from '../../src/core/evidence/evidence-source.ts'
import {knocked, observed} from '../../src/core/facts/host-record.ts'
import type {Facts, SessionFacts} from '../../src/core/facts/observation.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import {noNotes} from '../../src/core/verdict/memory.ts'
import {acceptOrder} from '../../src/monitor/acceptance.ts'
import {Board} from '../../src/monitor/board.ts'
import {pick, seededRandom} from '../support/seeded-random.ts'
import {groupSettings, monitorSettings} from '../support/settings.ts'
import {SimulatedCluster} from '../support/simulated-cluster.ts'
import type {SimulatedServer} from '../support/simulated-server.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

type Options = Readonly<{seed?: number; confirm?: readonly string[]; refuses?: boolean}>

/** A cluster, and a board that judges by difference beside one that judges every event as a whole. */
class Pair {
  readonly clock = new VirtualClock()
  readonly random: () => number
  readonly cluster: SimulatedCluster
  readonly short: Board
  readonly whole: Board
  /** Events, and how many of them were not judged as a whole. */
  readonly events = {all: 0, short: 0}
  readonly #sessions = new Map<string, SessionFacts>()

  constructor({seed = 1, confirm = [], refuses = false}: Options = {}) {
    this.random = seededRandom(seed)
    const servers = ['host1', 'host2', 'host3', 'host4']
    this.cluster = new SimulatedCluster({clock: this.clock, random: this.random, servers})
    const group = groupSettings('all', servers, {confirm, onLossyPromotion: refuses ? 'refuse' : 'tell'})
    const settings = monitorSettings(this.cluster.hostSettings(), {groups: [group]})
    const sources = sourcesByName(ownSources(settings.followers.maxAgeMs))
    const common = {settings, clock: this.clock, sourcesOf: () => sources, memory: nothingRemembered}
    const rest = {epoch: 'e', version: 'test', log: silentLog}
    this.short = new Board({...common, ...rest})
    this.whole = new Board({...common, ...rest, isThorough: true})
  }

  /** What `host` says now, or said `agoMs` ago and had been asked for `probeMs` before. */
  facts(host: string): Facts {
    for (const server of this.cluster.servers) server.settle()
    return this.cluster.server(host).facts(this.cluster.servers)
  }

  answer(host: string, facts: Facts, probeMs = 1): void {
    const server = this.cluster.server(host)
    const askedAt = this.clock.now() - probeMs
    const session = this.#sessionOf(server)
    this.event((board) =>
      board.update(host, (record) => observed(record, {host, kind: 'facts', askedAt, probeMs, session, facts})),
    )
  }

  fail(host: string, cause: 'refused' | 'timeout'): void {
    this.#sessions.delete(host)
    const observation = {host, kind: 'failure', askedAt: this.clock.now(), probeMs: 0, cause, detail: cause} as const
    this.event((board) => board.update(host, (record) => observed(record, observation)))
  }

  knock(host: string, isFine: boolean): void {
    const against = isFine ? null : ({cause: 'hung', detail: 'silent'} as const)
    this.event((board) => board.update(host, (record) => knocked(record, against)))
  }

  /** The operator speaks, where the order can be carried out. */
  accept(host: string): void {
    this.event((board) => {
      try {
        board.remember(acceptOrder(host, board).memory)
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error
      }
    })
  }

  event(happen: (board: Board) => void): void {
    const before = this.short.assessment('all')?.state
    happen(this.short)
    happen(this.whole)
    this.events.all += 1
    if (before !== undefined && this.short.assessment('all')?.state === before) this.events.short += 1
  }

  /** Both are asked what they know. */
  compare(): void {
    const [one, other] = [this.short.assessment('all'), this.whole.assessment('all')]
    expect(verdictOf(one)).toEqual(verdictOf(other))
    expect(this.short.memory).toEqual(this.whole.memory)
    expect(notesOf(one)).toEqual(notesOf(other))
    expect(one?.view.members).toEqual(other?.view.members)
  }

  #sessionOf(server: SimulatedServer): SessionFacts {
    const session = this.#sessions.get(server.name) ?? {
      ...server.sessionFacts,
      backendPid: 1,
      backendStart: `${this.clock.now()}`,
    }
    this.#sessions.set(server.name, session)
    return session
  }
}

/** `lostAt` means something only of a primary that is out of reach. */
function notesOf(assessment: ReturnType<Board['assessment']>) {
  const {routed, ...notes} = assessment?.notes ?? noNotes
  const isGone = routed?.phase === 'lost' || routed?.phase === 'followed'
  return {...notes, routed: routed === null || isGone ? routed : {...routed, lostAt: 0}}
}

function verdictOf(assessment: ReturnType<Board['assessment']>) {
  const state = assessment?.state
  // The names of the followers are those of the last whole judgement.
  const evidence = state?.evidence.map(({source, answer, required}) => ({source, answer, required}))
  return {verdict: state?.verdict, evidence}
}

function happen({cluster, random}: Pair): void {
  const {name} = pick(random, cluster.servers)
  const what = pick(random, [
    ...['crash', 'start', 'start', 'promote', 'unlink', 'relink', 'relink', 'rebuild', 'rebuild', 'restore', 'skew'],
  ])
  const primary = cluster.servers.find(({isPrimary}) => isPrimary)
  const server = cluster.server(name)
  if (what === 'crash') cluster.crash(name)
  else if (what === 'start') cluster.start(name)
  else if (what === 'promote' && random() < 0.3) cluster.promote(name)
  else if (what === 'unlink') cluster.unlink(name)
  else if (what === 'relink') cluster.relink(name)
  else if (what === 'rebuild' && primary && primary.name !== name) cluster.rebuild(name, primary.name)
  else if (what === 'restore') {
    cluster.crash(name)
    cluster.restore(name, random() * 3_000)
    cluster.start(name)
  } else if (what === 'skew') server.isReadOnly = random() < 0.5
}

/** Random answers, late and out of order, of a cluster to which something happens now and then. */
async function playPair(seed: number): Promise<Pair['events']> {
  const draw = seededRandom(seed + 1_000_000)
  const confirm = pick(draw, [[], [], ['followers'], ['majority', 'followers']])
  const pair = new Pair({seed, confirm, refuses: draw() < 0.3})
  const {clock, random, cluster} = pair
  const steps = 150
  for (let step = 0; step < steps; step += 1) {
    if (random() < 0.04) happen(pair)
    await clock.run(random() < 0.02 ? random() * 4_000 : random() * 120)
    const {name} = pick(random, cluster.servers)
    const server = cluster.server(name)
    if (random() < 0.03) pair.accept(name)
    if (random() < 0.08) pair.knock(name, random() < 0.8)
    else if (!server.isRunning) pair.fail(name, random() < 0.7 ? 'refused' : 'timeout')
    else {
      const facts = pair.facts(name)
      const backMs = random() < 0.5 ? 0 : random() * 60
      await clock.run(backMs)
      pair.answer(name, facts, backMs + (random() < 0.5 ? 1 : random() * 300))
    }
    // A client that asks makes what went stale be judged, so it must not always ask.
    if (random() < 0.3) for (const board of [pair.short, pair.whole]) board.current()
    pair.compare()
  }
  return pair.events
}

const from = Number(process.env.FROM ?? 0)
const count = Number(process.env.HISTORIES ?? 200)

test(`${count} random histories: judging by difference finds what judging as a whole finds`, {timeout: 0}, async () => {
  let [all, short] = [0, 0]
  for (let seed = from; seed < from + count; seed += 1) {
    const events = await playPair(seed).catch((error: Error) => {
      throw new Error(`FROM=${seed} HISTORIES=1: ${error.message}`, {cause: error})
    })
    all += events.all
    short += events.short
  }
  // The way that is tested must be taken.
  expect(short / all).toBeGreaterThan(0.15)
})

/** A healthy cluster, everyone asked twice. */
async function healthy(): Promise<Pair> {
  const pair = new Pair()
  for (let round = 0; round < 3; round += 1)
    for (const {name} of pair.cluster.servers) {
      await pair.clock.run(10)
      pair.answer(name, pair.facts(name))
    }
  expect(pair.short.current().groups.all?.verdict).toMatchObject({rule: 'V4', routedTo: 'host1'})
  return pair
}

test('an unchanged answer of a standby is not judged as a whole, and its positions are shown', async () => {
  const pair = await healthy()
  const {short} = pair.events
  await pair.clock.run(10)
  const facts = pair.facts('host2')
  pair.answer('host2', {...facts, lsn: '0/9000000', receiveLsn: '0/9000000'})
  expect(pair.events.short).toBe(short + 1)
  expect(pair.short.current().hosts.host2).toMatchObject({role: 'standby', lsn: '0/9000000', receiveLsn: '0/9000000'})
})

test('V2 (c): nothing but an LSN moves, of a standby, and the primary that is asked then lacks it', async () => {
  const pair = await healthy()
  const {short} = pair.events
  await pair.clock.run(10)
  pair.answer('host2', {...pair.facts('host2'), lsn: '0/9000010', receiveLsn: '0/9000010'})
  expect(pair.events.short).toBe(short + 1)
  await pair.clock.run(10)
  pair.answer('host1', pair.facts('host1'))
  for (const board of [pair.short, pair.whole])
    expect(board.current().groups.all?.verdict).toMatchObject({
      rule: 'V2',
      routedTo: null,
      situation: 'primary-lost-wal',
    })
})

test('V2 (c): the first position counts that the primary was asked after, whatever was told since', async () => {
  const pair = await healthy()
  await pair.clock.run(10)
  pair.answer('host1', pair.facts('host1'))
  await pair.clock.run(10)
  pair.answer('host2', {...pair.facts('host2'), lsn: '0/9000010', receiveLsn: '0/9000010'})
  await pair.clock.run(10)
  const facts = pair.facts('host1')
  await pair.clock.run(10)
  // It answers again while the primary's answer is under way.
  pair.answer('host2', {...pair.facts('host2'), lsn: '0/9000020', receiveLsn: '0/9000020'})
  await pair.clock.run(10)
  pair.answer('host1', facts, 20)
  for (const board of [pair.short, pair.whole])
    expect(board.current().groups.all?.verdict).toMatchObject({rule: 'V2', routedTo: null})
})

test('V2 (d): nothing but an LSN moves, of the primary, and it moves back', async () => {
  const pair = await healthy()
  const facts = pair.facts('host1')
  await pair.clock.run(10)
  pair.answer('host1', {...facts, lsn: '0/8000000', flushLsn: '0/8000000'})
  await pair.clock.run(10)
  pair.answer('host1', facts)
  for (const board of [pair.short, pair.whole])
    expect(board.current().groups.all?.verdict).toMatchObject({
      rule: 'V2',
      routedTo: null,
      situation: 'primary-lost-wal',
    })
})

type Change = Readonly<{given: string; facts: Partial<Facts>}>
const changes: readonly Change[] = [
  {given: 'its timeline', facts: {timeline: 2}},
  {given: 'a timeline on its disk', facts: {diskTimeline: 2}},
  {given: 'its receiver is gone', facts: {receiver: null}},
  {given: 'it is a primary', facts: {inRecovery: false}},
  {given: 'it is delayed', facts: {applyDelayMs: 60_000}},
  {given: 'it is paused', facts: {replayPaused: true}},
  {given: 'it is read-only no longer', facts: {readOnly: false}},
]

test.each(changes)('a standby tells another thing than positions: judged as a whole ($given)', async ({facts}) => {
  const pair = await healthy()
  const {short} = pair.events
  await pair.clock.run(10)
  pair.answer('host2', {...pair.facts('host2'), ...facts})
  expect(pair.events.short).toBe(short)
  pair.compare()
})

test.each(['status', 'senderHost', 'senderPort', 'receivedTimeline', 'lastMessageAgeMs'] as const)(
  'the receiver of a standby changes: judged as a whole (%s)',
  async (field) => {
    const pair = await healthy()
    const {short} = pair.events
    await pair.clock.run(10)
    const facts = pair.facts('host2')
    if (facts.receiver === null) throw new Error('it does not stream')
    pair.answer('host2', {...facts, receiver: {...facts.receiver, [field]: null}})
    expect(pair.events.short).toBe(short)
    pair.compare()
  },
)

test('a message of the receiver that is old is judged as a whole: a confirmation may end with it', async () => {
  const pair = await healthy()
  const {short} = pair.events
  await pair.clock.run(10)
  const facts = pair.facts('host2')
  if (facts.receiver === null) throw new Error('it does not stream')
  pair.answer('host2', {...facts, receiver: {...facts.receiver, lastMessageAgeMs: 4_000}})
  expect(pair.events.short).toBe(short)
})
