import {expect, onTestFinished, test} from 'vitest'
import {actuate, type Pass} from '../../src/actuation/loop.ts'
import {SwitchTiming} from '../../src/actuation/switch-timing.ts'
import type {Actuator, Applied, ApplyOptions} from '../../src/core/actuator.ts'
import type {Change, Publication, Snapshot} from '../../src/core/snapshot.ts'
import {change, fakeSource, keptLog} from '../support/fake-source.ts'
import {primary, type SnapshotDraft, standby} from '../support/snapshots.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

const led = (by: string): SnapshotDraft => ({
  hosts: Object.fromEntries(['host1', 'host2'].map((host) => [host, host === by ? primary() : standby(by)])),
})
const frozen = {...led('host1'), maintenance: {since: 0, by: 'anna', reason: null, until: null}}
const verdict = (host: string): Change => ({
  kind: 'verdict',
  group: 'all',
  host,
  from: 'no-primary',
  to: 'primary',
  rule: 'V4',
  why: '',
})
const fine: Applied = {outcome: 'in-sync', steps: [], problems: []}

/** A target that takes 10 ms for a pass, and does what the test says. */
class Target implements Actuator {
  readonly name: string
  readonly told: string[] = []
  renewed = 0
  rested = 0
  readonly outdated: boolean[] = []
  answer: Applied = fine
  isHanging = false
  readonly #clock: VirtualClock

  constructor(name: string, clock: VirtualClock) {
    this.name = name
    this.#clock = clock
  }

  async apply(snapshot: Snapshot, {signal, isOutdated}: ApplyOptions): Promise<Applied> {
    this.told.push(snapshot.groups.all?.verdict.routedTo ?? 'nobody')
    await new Promise<void>((resolve) => {
      if (!this.isHanging) this.#clock.after(10, resolve)
      signal.addEventListener('abort', () => resolve(), {once: true})
    })
    this.outdated.push(isOutdated())
    return this.isHanging ? {outcome: 'failed', steps: [], problems: ['gave no answer in time']} : this.answer
  }

  async rest() {
    this.rested += 1
  }

  renew() {
    this.renewed += 1
  }

  async [Symbol.asyncDispose]() {}
}

function stage(...names: string[]) {
  const clock = new VirtualClock()
  const source = fakeSource(led('host1'))
  const log = keptLog()
  const targets = names.map((name) => new Target(name, clock)) as [Target, ...Target[]]
  const passes: Pass[] = []
  const around = {source, clock, log, random: () => 1, resyncMs: () => 1_000, dryRun: false}
  const running = actuate({...around, actuators: targets, report: (pass) => passes.push(pass)})
  onTestFinished(() => running[Symbol.asyncDispose]())
  const said = () => log.lines.map(({message}) => message)
  return {clock, source, targets, passes, running, said}
}

test('told at once, again at each change of the routing, and every second besides; samples tell nobody', async () => {
  const {clock, source, targets} = stage('a')
  const [target] = targets
  await clock.run(10)
  source.publish(led('host1'))
  await clock.run(500)
  expect(target.told).toEqual(['host1'])
  source.publish(led('host2'), verdict('host2'))
  await clock.run(10)
  expect(target.told).toEqual(['host1', 'host2'])
  await clock.run(3_100)
  expect(target.told).toHaveLength(5)
})

test('what changes during a pass is told right after it', async () => {
  const {clock, source, targets} = stage('a')
  await clock.run(5)
  source.publish(led('host2'), verdict('host2'))
  await clock.run(20)
  expect([targets[0].told, targets[0].outdated]).toEqual([
    ['host1', 'host2'],
    [true, false],
  ])
})

test('one that hangs, and one that fails, delay nobody else; both are tried again, and are in step soon after they are back', async () => {
  const {clock, source, targets, said} = stage('hanging', 'failing', 'well')
  const [hanging, failing, well] = targets as unknown as [Target, Target, Target]
  hanging.isHanging = true
  failing.answer = {outcome: 'failed', steps: [], problems: ['is not there']}
  await clock.run(60_000)
  source.publish(led('host2'), verdict('host2'))
  await clock.run(10)
  expect(well.told.at(-1)).toBe('host2')
  // Some five seconds each, and not one every millisecond.
  expect(hanging.told.length).toBeLessThan(16)
  expect(failing.told.length).toBeLessThan(140)
  expect(said().filter((line) => line.startsWith('failing: is not there'))).toHaveLength(1)
  failing.answer = fine
  hanging.isHanging = false
  const before = failing.told.length
  await clock.run(520)
  expect(failing.told.slice(before)).toEqual(['host2'])
  expect(said()).toContain('failing: in order again')
})

test('maintenance: nobody is told anything until it is over, and then everybody, as of then', async () => {
  const {clock, source, targets, passes} = stage('a')
  await clock.run(100)
  source.publish(frozen)
  await clock.run(100)
  source.publish({...frozen, ...led('host2')}, verdict('host2'))
  await clock.run(5_000)
  expect(targets[0].told).toEqual(['host1'])
  expect(passes.at(-1)?.applied).toBe(null)
  source.publish(led('host2'))
  await clock.run(20)
  expect([targets[0].told, targets[0].renewed]).toEqual([['host1', 'host2'], 1])
  expect(targets[0].rested, 'one that cannot be reached when it begins is let go later').toBeGreaterThan(1)
})

test('the end is an end: no timer is left, and nobody is told any more', async () => {
  const {clock, source, targets, running} = stage('a', 'b')
  await clock.run(100)
  await clock.through(Promise.resolve(running[Symbol.asyncDispose]()))
  source.publish(led('host2'), verdict('host2'))
  await clock.run(10_000)
  expect(targets.map(({told}) => told)).toEqual([['host1'], ['host1']])
  expect(clock.pending).toBe(0)
})

function followed(...targets: string[]) {
  const clock = new VirtualClock()
  const announced: Change[] = []
  const stages: string[] = []
  const switches = new SwitchTiming({
    actuators: () => targets,
    clock,
    announce: (changes) => announced.push(...changes),
    record: ({stage, actuator: target, ms}) => stages.push(`${stage} ${target} ${ms}`.replace('  ', ' ')),
  })
  onTestFinished(() => switches[Symbol.dispose]())
  const publish = (host: string, agoMs = 2) => {
    const seenAt = clock.now() - agoMs
    const source = fakeSource(led(host))
    switches.published({
      changes: [change(host, 'standby', 'primary'), verdict(host)],
      snapshot: source.current(),
      seenAt,
    } satisfies Publication)
  }
  const pass = async (target: string, ms: number, applied: Applied = fine) => {
    const startedAt = clock.now()
    await clock.run(ms)
    switches.passed({actuator: target, applied, startedAt, endedAt: clock.now()})
  }
  return {clock, announced, stages, publish, pass, switches}
}

test('a switch is one event once the last target has followed, with how long each took', async () => {
  const {announced, stages, publish, pass} = followed('a', 'b')
  publish('host2')
  await pass('a', 10)
  expect(announced).toEqual([])
  await pass('b', 20, {outcome: 'failed', steps: [], problems: ['not there']})
  await pass('b', 5)
  expect(announced).toEqual([
    expect.objectContaining({
      kind: 'actuator',
      group: 'all',
      host: 'host2',
      to: 'applied',
      stages: {judged: 2, a: 12, b: 37},
    }),
  ])
  expect(stages).toEqual(['judged 2', 'applied a 12', 'applied b 37'])
})

test('a switch that another one overtakes, or that somebody never follows, is told of with who is missing', async () => {
  const {clock, announced, publish, pass} = followed('a', 'b')
  publish('host2')
  await pass('a', 10)
  publish('host1')
  expect(announced.map(({to, why}) => [to, why])).toEqual([['late', expect.stringContaining('not followed by b')]])
  await clock.run(30_000)
  expect(announced.slice(1).map(({to, why}) => [to, why])).toEqual([
    ['late', expect.stringContaining('not followed by a, b')],
  ])
  expect(clock.pending).toBe(0)
})

test('a pass that had begun before the switch does not count for it', async () => {
  const {clock, announced, publish, switches} = followed('a')
  const startedAt = clock.now()
  await clock.run(5)
  publish('host2')
  switches.passed({actuator: 'a', applied: fine, startedAt, endedAt: clock.now()})
  expect(announced).toEqual([])
})
