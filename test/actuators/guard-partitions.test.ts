import {expect, test} from 'vitest'
import {beginning, type Decision, decide, next} from '../../src/actuators/guard/plan.ts'
import {decideByAny} from '../../src/app/node/guard/any-quorum.ts'
import {standingOf} from '../../src/app/node/guard/standing.ts'
import type {PeerSettings} from '../../src/core/settings.ts'
import type {Word} from '../../src/sources/peer/vote.ts'
import {ofThree, ofTwo, reaches, snapshotFrom, viewFrom, type World, worldOf} from '../support/partition-world.ts'
import {MAX_AGE, NOW} from '../support/records.ts'
import {seededRandom} from '../support/seeded-random.ts'

const leaseMs = 5_000
const allowReadOnly = true

/** What the guard on `host` decides by a majority, at one moment. */
function byMajority(world: World, host: string, witness: string | null): Decision {
  const snapshot = snapshotFrom(world, host, [...world.hosts, ...(witness === null ? [] : [witness])], witness)
  return decide({standing: standingOf(snapshot, 'all', host), host, allowReadOnly, now: NOW, leaseMs})
}

const peer = (name: string): PeerSettings => ({
  kind: 'grpc',
  url: `grpc://${name}:10000`,
  caFile: null,
  certFile: null,
  keyFile: null,
  tokenFile: null,
  serverName: null,
})

/** The same by `quorum: any`. */
function byAny(world: World, host: string): Decision {
  const words = new Map(
    [...world.hosts, 'w']
      .filter((name) => name !== host && reaches(world, host, name))
      .map((name): [string, Word] => [peer(name).url, {askedAt: NOW - 5, kind: 'view', view: viewFrom(world, name)}]),
  )
  const neighbours = world.hosts.filter((name) => name !== host).map(peer)
  return decideByAny({
    snapshot: snapshotFrom(world, host, world.hosts, null),
    group: 'all',
    host,
    words,
    guard: {neighbours, witness: peer('w'), allowReadOnly, leaseMs},
    before: beginning('').decision,
    maxAgeMs: MAX_AGE,
    now: NOW,
  })
}

const open = (world: World, decided: (host: string) => Decision): string =>
  world.hosts.filter((host) => decided(host).gates.readWrite === 'allow').join('') || '-'

test.each([
  ['three hosts and a witness', ofThree, ['a', 'b', 'c'], {networks: 128, majority: 0, any: 2, harepd: 8}],
  ['two hosts and a witness', ofTwo, ['a', 'b'], {networks: 16, majority: 0, any: 0, harepd: 0}],
] as const)(
  '%s: in no network are two gates open by a majority, and the count of any is told',
  (name, rows, members, expected) => {
    const counts = {majority: 0, any: 0, harepd: 0, shut: 0}
    for (const row of rows) {
      const world = worldOf(row, members)
      const ours = open(world, (host) => byMajority(world, host, 'w'))
      const loose = open(world, (host) => byAny(world, host))
      expect(ours.length, `${JSON.stringify(row)}: ${ours}`).toBe(1)
      expect(ours, JSON.stringify(row)).toBe('majority3' in row ? row.majority3 : row.ours)
      counts.majority += Number(ours.length > 1)
      counts.any += Number(loose.length > 1)
      counts.harepd += Number(row.harepd.length > 1)
      counts.shut += Number(ours === '-')
    }
    const {majority, any, harepd, shut} = counts
    process.stdout.write(
      `${name}: two gates open in ${majority} of ${rows.length} networks by majority, in ${any} by any, ` +
        `in ${harepd} by harepd; none by majority in ${shut}\n`,
    )
    expect({networks: rows.length, majority, any, harepd}).toEqual(expected)
  },
)

/**
 * Moments are not enough: what a guard allowed stands until its lease ends, also where it is frozen. Each tick is a
 * second; the network changes at random; b is promoted once a has lacked a majority of the hosts for `failoverAfter`
 * ticks, and c follows it. `isHasty`: once b alone has not reached a for so long, as repmgr promotes without
 * primary_visibility_consensus.
 */
type History = Readonly<{lease: number; failoverAfter: number; isHasty?: boolean}>
const pairs = ['ab', 'ac', 'bc']
const hosts = ['a', 'b', 'c']

class Past {
  readonly #random: () => number
  readonly #history: History
  readonly #edges = new Set(pairs)
  readonly #guards = new Map(hosts.map((host) => [host, {held: beginning(''), until: 0, frozenUntil: 0}]))
  #promoted = '-'
  #lacking = 0

  constructor(random: () => number, history: History) {
    this.#random = random
    this.#history = history
  }

  /** How many gates are open at the end of this tick. */
  tick(tick: number): number {
    const {lease, failoverAfter, isHasty} = this.#history
    for (const pair of pairs) {
      if (this.#random() >= 0.08) continue
      if (!this.#edges.delete(pair)) this.#edges.add(pair)
    }
    const isSeen = this.#edges.has('ab') || (!isHasty && this.#edges.has('ac'))
    this.#lacking = isSeen ? 0 : this.#lacking + 1
    if (this.#lacking > failoverAfter && this.#edges.has('bc')) this.#promoted = 'b'
    for (const [host, guard] of this.#guards) {
      if (this.#random() < 0.05) guard.frozenUntil = tick + Math.floor(this.#random() * 10)
      if (guard.frozenUntil > tick) continue
      const {gates} = momentOf(this.#promoted, pairs.filter((pair) => this.#edges.has(pair)).join(' '), host)
      guard.held = next(guard.held, {gates, rule: 'G1', why: '', until: tick + lease})
      guard.until = guard.held.decision.gates.readWrite === 'allow' ? tick + lease : 0
    }
    return [...this.#guards.values()].filter(({until}) => until > tick).length
  }
}

const moments = new Map<string, Decision>()
function momentOf(promoted: string, edges: string, host: string): Decision {
  const key = `${promoted} ${edges} ${host}`
  const known =
    moments.get(key) ??
    byMajority({...worldOf({promoted, edges: edges || 'none'}, hosts), hasFollowed: promoted !== '-'}, host, null)
  moments.set(key, known)
  return known
}

const histories = 2_000
/** How many of some random histories had two gates open at one moment, and how many opened the gate of b. */
function doubled(history: History): number {
  const random = seededRandom(66)
  let found = 0
  for (let count = 0; count < histories; count += 1) {
    const past = new Past(random, history)
    if (Array.from({length: 60}, (_, index) => past.tick(index + 1)).some((open) => open > 1)) found += 1
  }
  return found
}

test('while the lease is shorter than failover_after, two gates are never open, frozen guards included', () => {
  expect(doubled({lease: 5, failoverAfter: 6})).toBe(0)
  expect(doubled({lease: 5, failoverAfter: 30})).toBe(0)
  // So the configuration is refused with such a lease.
  expect(doubled({lease: 12, failoverAfter: 6})).toBeGreaterThan(0)
  const hasty = doubled({lease: 5, failoverAfter: 6, isHasty: true})
  process.stdout.write(
    `promoted beside a primary that keeps its majority: two gates open in ${hasty} of ${histories} histories\n`,
  )
})
