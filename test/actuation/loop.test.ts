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

/** An actuator that takes 10 ms for a pass, and answers as the test sets. */
class FakeActuator implements Actuator {
  readonly kind = 'haproxy'
  readonly name: string
  readonly applied: string[] = []
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
    this.applied.push(snapshot.groups.all?.verdict.routedTo ?? 'none')
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
  const actuators = names.map((name) => new FakeActuator(name, clock)) as [FakeActuator, ...FakeActuator[]]
  const passes: Pass[] = []
  const around = {source, clock, log, random: () => 1, resyncMs: () => 1_000, dryRun: false}
  const running = actuate({...around, actuators, report: (pass) => passes.push(pass)})
  onTestFinished(() => running[Symbol.asyncDispose]())
  const logged = () => log.lines.map(({message}) => message)
  return {clock, source, actuators, passes, running, logged}
}

test('a pass at once, at each change of the pools and per resync interval; a sample alone causes none', async () => {
  const {clock, source, actuators} = stage('a')
  const [actuator] = actuators
  await clock.run(10)
  source.publish(led('host1'))
  await clock.run(500)
  expect(actuator.applied).toEqual(['host1'])
  source.publish(led('host2'), verdict('host2'))
  await clock.run(10)
  expect(actuator.applied).toEqual(['host1', 'host2'])
  await clock.run(3_100)
  expect(actuator.applied).toHaveLength(5)
})

test('a change during a pass is applied right after the pass', async () => {
  const {clock, source, actuators} = stage('a')
  await clock.run(5)
  source.publish(led('host2'), verdict('host2'))
  await clock.run(20)
  expect([actuators[0].applied, actuators[0].outdated]).toEqual([
    ['host1', 'host2'],
    [true, false],
  ])
})

test('an actuator that hangs or fails delays no other actuator, and catches up within 500 ms of recovery', async () => {
  const {clock, source, actuators, logged} = stage('hanging', 'failing', 'well')
  const [hanging, failing, well] = actuators as unknown as [FakeActuator, FakeActuator, FakeActuator]
  hanging.isHanging = true
  failing.answer = {outcome: 'failed', steps: [], problems: ['is not there']}
  await clock.run(60_000)
  source.publish(led('host2'), verdict('host2'))
  await clock.run(10)
  expect(well.applied.at(-1)).toBe('host2')
  // About one try per five seconds, not one per millisecond.
  expect(hanging.applied.length).toBeLessThan(16)
  expect(failing.applied.length).toBeLessThan(140)
  expect(logged().filter((line) => line.startsWith('failing: is not there'))).toHaveLength(1)
  failing.answer = fine
  hanging.isHanging = false
  const before = failing.applied.length
  await clock.run(520)
  expect(failing.applied.slice(before)).toEqual(['host2'])
  expect(logged()).toContain('failing: in step again')
})

test('maintenance: no command until its end, and then the commands for the newest snapshot', async () => {
  const {clock, source, actuators, passes} = stage('a')
  await clock.run(100)
  source.publish(frozen)
  await clock.run(100)
  source.publish({...frozen, ...led('host2')}, verdict('host2'))
  await clock.run(5_000)
  expect(actuators[0].applied).toEqual(['host1'])
  expect(passes.at(-1)?.applied).toBe(null)
  source.publish(led('host2'))
  await clock.run(20)
  expect([actuators[0].applied, actuators[0].renewed]).toEqual([['host1', 'host2'], 1])
  expect(
    actuators[0].rested,
    'a router that cannot be reached at the begin releases its clients in a later pass',
  ).toBeGreaterThan(1)
})

test('after the stop no timer is left, and no command is sent', async () => {
  const {clock, source, actuators, running} = stage('a', 'b')
  await clock.run(100)
  await clock.through(Promise.resolve(running[Symbol.asyncDispose]()))
  source.publish(led('host2'), verdict('host2'))
  await clock.run(10_000)
  expect(actuators.map(({applied}) => applied)).toEqual([['host1'], ['host1']])
  expect(clock.pending).toBe(0)
})

function followed(...actuators: string[]) {
  const clock = new VirtualClock()
  const announced: Change[] = []
  const stages: string[] = []
  const timing = new SwitchTiming({
    actuators: () => actuators,
    clock,
    announce: (changes) => announced.push(...changes),
    record: ({stage, actuator, ms}) => stages.push(`${stage} ${actuator} ${ms}`.replace('  ', ' ')),
  })
  onTestFinished(() => timing[Symbol.dispose]())
  const publish = (host: string, agoMs = 2) => {
    const seenAt = clock.now() - agoMs
    const source = fakeSource(led(host))
    timing.published({
      changes: [change(host, 'standby', 'primary'), verdict(host)],
      snapshot: source.current(),
      seenAt,
    } satisfies Publication)
  }
  const pass = async (actuator: string, ms: number, applied: Applied = fine) => {
    const startedAt = clock.now()
    await clock.run(ms)
    timing.passed({actuator, applied, startedAt, endedAt: clock.now()})
  }
  return {clock, announced, stages, publish, pass, timing}
}

test('a switch is one event once the last actuator has applied the routes, with the time of each', async () => {
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

test('a switch that another one overtakes, or that times out, names the actuators that are late', async () => {
  const {clock, announced, publish, pass} = followed('a', 'b')
  publish('host2')
  await pass('a', 10)
  publish('host1')
  expect(announced.map(({to, why}) => [to, why])).toEqual([['late', expect.stringContaining('not yet applied by b')]])
  await clock.run(30_000)
  expect(announced.slice(1).map(({to, why}) => [to, why])).toEqual([
    ['late', expect.stringContaining('not yet applied by a, b')],
  ])
  expect(clock.pending).toBe(0)
})

test('a pass that began before the switch does not count as applying the switch', async () => {
  const {clock, announced, publish, timing} = followed('a')
  const startedAt = clock.now()
  await clock.run(5)
  publish('host2')
  timing.passed({actuator: 'a', applied: fine, startedAt, endedAt: clock.now()})
  expect(announced).toEqual([])
})
