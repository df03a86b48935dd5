import fc from 'fast-check'
import {expect, test} from 'vitest'
import {drained, type HostDraft, primary, standby, unavailable, unconfirmed} from '../support/snapshots.ts'
import {type ConnectorStage, openStage, type Settled, watch} from './stage.ts'

/** `SEED=123` replays one, `HISTORIES=100000` plays more. */
const runs = Number(process.env.HISTORIES ?? 4_000)
const seed = process.env.SEED === undefined ? undefined : Number(process.env.SEED)

const [readWaitMs, writeWaitMs] = [500, 800]
const hosts = ['host1', 'host2', 'host3']
const host = fc.constantFrom(...hosts)

/** What the monitor may say of one host, true or not. */
const draft = fc.constantFrom<() => HostDraft>(
  () => primary(),
  () => standby(),
  () => standby(),
  () => standby('host1', {drained}),
  () => primary({drained}),
  () => unavailable('refused'),
  () => unavailable('timeout'),
  () => unavailable('stale'),
)

type Step = (world: World) => void
/** fast-check prints a counterexample by these words. */
const told = (does: string, run: Step): Step => Object.assign(run, {[fc.toStringMethod]: () => does})
const onHost = (does: string, run: (world: World, name: string) => void) =>
  host.map((name) => told(`${does} ${name}`, (world) => run(world, name)))
const always = (does: string, run: Step) => fc.constant(told(does, run))

const step: fc.Arbitrary<Step> = fc.oneof(
  {weight: 6, arbitrary: always('read', (world) => world.read())},
  {weight: 6, arbitrary: always('write', (world) => world.write())},
  {weight: 1, arbitrary: always('write, aborted', (world) => world.write(AbortSignal.abort()))},
  {weight: 1, arbitrary: onHost('abortable', (world, name) => world.abortable(name))},
  {weight: 1, arbitrary: onHost('read and switch off', (world, name) => world.readAndTurn(name))},
  {weight: 2, arbitrary: onHost('kill', ({stage}, name) => stage.server(name).kill())},
  {weight: 2, arbitrary: onHost('start', ({stage}, name) => stage.server(name).start())},
  {weight: 1, arbitrary: onHost('freeze', ({stage}, name) => stage.server(name).freeze())},
  {weight: 1, arbitrary: onHost('thaw', ({stage}, name) => stage.server(name).thaw())},
  {weight: 1, arbitrary: onHost('promote', ({stage}, name) => stage.server(name).promote())},
  {weight: 1, arbitrary: onHost('demote', ({stage}, name) => stage.server(name).demote())},
  {weight: 1, arbitrary: onHost('drop one', ({stage}, name) => stage.server(name).dropOne())},
  {
    weight: 2,
    arbitrary: fc
      .tuple(host, fc.constantFrom('25006', '40001', '57014', 'FATAL 57P01', '23505'))
      .map(([name, code]) => told(`${name} answers ${code}`, ({stage}) => void stage.server(name).script.push(code))),
  },
  {weight: 1, arbitrary: onHost('switch off', (world, name) => world.turn(name, false))},
  {weight: 1, arbitrary: onHost('switch on', (world, name) => world.turn(name, true))},
  {
    weight: 4,
    arbitrary: fc.tuple(draft, draft, draft, fc.boolean()).map(([one, two, three, isSure]) => {
      const hosts = {host1: one(), host2: two(), host3: three()}
      const words = Object.entries(hosts).map(([name, draft]) => `${name} ${JSON.stringify(draft)}`)
      return told(`publish ${words.join(', ')}${isSure ? '' : ', unconfirmed'}`, ({stage}) =>
        stage.publish(hosts, isSure ? undefined : unconfirmed('host1')),
      )
    }),
  },
)
const history = fc.array(fc.tuple(step, fc.integer({min: 0, max: 40})), {minLength: 5, maxLength: 40})

type Work = Settled & Readonly<{id: number; kind: 'read' | 'write'}>

/** A stage with callers, and what must hold at every moment. */
class World {
  readonly stage: ConnectorStage
  readonly work: Work[] = []
  readonly broken: string[] = []
  readonly #aborts = new Map<string, AbortController>()

  constructor(seedOfChoice: number) {
    this.stage = openStage(
      {
        read: {wait: `${readWaitMs}ms`, hedge: seedOfChoice % 2 === 0 ? '30ms' : false},
        write: {wait: `${writeWaitMs}ms`},
      },
      seedOfChoice,
    )
    this.stage.network.onSend(({host, kind}) => this.#isAllowed(host, kind))
  }

  read(signal?: AbortSignal): void {
    const id = this.work.length
    this.#watch(id, 'read', this.stage.db.read('select $1', [id], signal && {signal}))
  }

  write(signal?: AbortSignal): void {
    const id = this.work.length
    this.#watch(id, 'write', this.stage.db.write('insert $1', [id], signal && {signal}))
  }

  /** Two statements whose caller gives up when this comes again. */
  abortable(name: string): void {
    this.#aborts.get(name)?.abort()
    const controller = new AbortController()
    this.#aborts.set(name, controller)
    this.read(controller.signal)
    this.write(controller.signal)
  }

  /** In one moment, in which an idle client is on its way. */
  readAndTurn(name: string): void {
    this.read()
    this.write()
    this.turn(name, false)
  }

  turn(name: string, isOnline: boolean): void {
    this.stage.db.node(name).online = isOnline
  }

  #watch(id: number, kind: 'read' | 'write', work: Promise<{host: string}>): void {
    this.work.push(Object.assign(watch(work), {id, kind}))
  }

  /** At the moment that a byte is sent, the host is offered for it, by the snapshot and by the application. */
  #isAllowed(name: string, kind: 'read' | 'write'): void {
    const {source, db} = this.stage
    const {hosts, groups} = source.current()
    const verdict = groups.all?.verdict
    const state = hosts[name]
    const isRouted = verdict?.routedTo === name
    const isReadable = state?.role === 'standby' && state.drained === null
    const isOffered = db.node(name).online && (kind === 'write' ? isRouted : isReadable || isRouted)
    if (!isOffered) this.broken.push(`a ${kind} was sent to ${name}, which is not offered`)
  }

  /** After the last step: the monitor tells the truth of each server, and time passes. */
  async end(): Promise<void> {
    const {stage} = this
    const truth = hosts.map((name): [string, HostDraft] => {
      const server = stage.server(name)
      if (!server.isUp) return [name, unavailable('refused')]
      if (server.isFrozen) return [name, unavailable('timeout')]
      return [name, server.isStandby ? standby() : primary()]
    })
    stage.publish(Object.fromEntries(truth))
    await stage.clock.run(3 * readWaitMs + writeWaitMs + 2_000)
    // A write on a frozen host is cut when another one is routed to. None is: its host has to die.
    for (const name of hosts) if (stage.server(name).isFrozen) stage.server(name).kill()
    await stage.clock.run(writeWaitMs + 500)
    for (const {id, kind, state} of this.work)
      if (state === 'pending') this.broken.push(`${kind} ${id} neither ended nor failed`)
    for (const work of this.work) if (work.kind === 'write') this.#checkWrite(work)
    await stage.clock.through(stage.connector.close({grace: '1ms'}))
    for (const name of hosts)
      if (stage.server(name).clients.size > 0) this.broken.push(`${name} has clients after close`)
  }

  #checkWrite({id, state, error}: Work): void {
    const sent = this.stage.network.sent.filter((one) => one.id === id)
    const done = hosts.reduce(
      (sum, name) => sum + this.stage.server(name).executed.filter((one) => one === id).length,
      0,
    )
    // A standby refuses without doing, so a write that it refused may be sent again.
    if (sent.filter(({isRefusedByStandby}) => !isRefusedByStandby()).length > 1)
      this.broken.push(`write ${id} was sent twice`)
    if (done > 1) this.broken.push(`write ${id} was done ${done} times`)
    if (state === 'done' && done !== 1) this.broken.push(`write ${id} was acknowledged, and done ${done} times`)
    const isSaidUndone = (error as {outcome?: string} | undefined)?.outcome !== 'unknown'
    if (state === 'failed' && isSaidUndone && done > 0) this.broken.push(`write ${id} was done, and told as not done`)
  }
}

test(`${runs} histories: a write is sent once, a read ends in time, and only offered hosts get anything`, {
  timeout: Math.max(180_000, 90 * runs),
}, async () => {
  const outcomes = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(history, fc.integer({min: 1, max: 1_000}), async (steps, choice) => {
      const world = new World(choice)
      for (const [run, ms] of steps) {
        run(world)
        await world.stage.clock.run(ms)
      }
      await world.end()
      for (const {kind, state, error} of world.work) {
        const outcome = `${kind} ${error === undefined ? state : (error.kind ?? error.code)}`
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }
      expect(world.broken).toEqual([])
    }),
    {numRuns: runs, ...(seed !== undefined && {seed})},
  )
  // The histories reach what they are about.
  for (const kind of [
    'write done',
    'write outcome-unknown',
    'write no-writer',
    'write 23505',
    'read done',
    'read no-reader',
  ])
    expect(outcomes.get(kind) ?? 0, kind).toBeGreaterThan(0)
})
