import type {Clock} from '../../core/ports.ts'
import {sleep} from '../../core/wait.ts'
import type {HoldingDaemon} from './daemon.ts'
import {type Looked, lookAt} from './look.ts'
import {nextStep, type Phase, type Step} from './phase.ts'
import type {Move, Tool, ToolEnd} from './tool.ts'

export type Limits = Readonly<{
  /** For open transactions and sessions to end. */
  drainMs: number
  /** For the whole switch, from the moment when clients begin to wait. */
  deadlineMs: number
  mayCut: boolean
}>
export type RunDeps = Readonly<{
  daemon: HoldingDaemon
  tool: Tool
  move: Move
  limits: Limits
  clock: Clock
  /** Aborts with Ctrl-C and SIGTERM. */
  interrupted: AbortSignal
  /** Lets clients go on without a daemon; resolves to what was done. Never rejects. */
  rescue: () => Promise<string>
  say: (line: string) => void
}>

/** Milliseconds after clients began to wait; absent: it did not come to that. */
export type Times = Readonly<Partial<Record<'held' | 'ordered' | 'confirmed' | 'ended', number>>>
export type Switched = Readonly<{
  end: 'done' | 'back'
  routedTo: string | null
  why: string
  open: readonly string[]
  tool: ToolEnd | null
  times: Times
  steps: readonly Step[]
}>

const betweenMs = 40
const graceMs = 10_000

/** Applies the table of `phase.ts`: looks, decides, acts, until an end. */
export async function runSwitch(deps: RunDeps): Promise<Switched> {
  const {daemon, move, limits, clock, interrupted, say} = deps
  const steps: Step[] = []
  let open: readonly string[] = []
  let phase: Phase = 'holding'
  let looked: Looked = lookAt(await daemon.begin(), move.from, blank)
  const begunAt = clock.now()
  const running = new RunningTool(deps)
  const times: {-readonly [key in keyof Times]: number} = {}
  const passedMs = () => Math.round(clock.now() - begunAt)
  for (;;) {
    const step = nextStep(phase, {
      ...looked,
      tool: running.state,
      isInterrupted: interrupted.aborted,
      isDrainOver: passedMs() >= limits.drainMs,
      isDeadlineOver: passedMs() >= limits.deadlineMs,
      isGraceOver: passedMs() >= limits.deadlineMs + graceMs,
      mayCut: limits.mayCut,
    })
    if (step !== null) {
      if (step.phase !== phase || step.act !== null) steps.push(step)
      if (step.phase !== phase) say(`${passedMs()} ms  ${textOf(step)}`)
      if (step.phase === 'returning' && phase !== 'returning') open = looked.open
      if (step.act === 'order') {
        times.held = passedMs()
        for (const note of looked.open) say(note)
      }
      if (step.phase === 'resuming') times.confirmed = passedMs()
      phase = step.phase
      if (step.act === 'order') running.start(() => (times.ordered = passedMs()))
      if (step.act === 'stop') running.stop()
      if (step.act === 'release' || step.act === 'stop') looked = lookAt(await daemon.release(), move.from, looked)
      if (step.act === 'rescue') say(await deps.rescue())
    }
    if (phase === 'done' || phase === 'back') break
    await sleep(clock, betweenMs, new AbortController().signal)
    const isReturning = phase === 'returning'
    looked = lookAt(isReturning ? await daemon.release() : await daemon.renew(), move.from, looked)
  }
  times.ended = passedMs()
  const gaveUp = steps.find((step) => step.phase === 'returning')
  const tool = await running.end(gaveUp !== undefined, Math.max(0, limits.deadlineMs - passedMs()))
  return {
    end: phase,
    routedTo: looked.routedTo,
    why: gaveUp?.why ?? steps.at(-1)?.why ?? '',
    open,
    tool,
    times,
    steps,
  }
}

const blank: Looked = {hold: 'open', route: 'from', isInStep: false, routedTo: null, why: '', open: []}
const words: Readonly<Record<Phase, string>> = {
  holding: 'clients begin to wait',
  ordered: 'the switch is ordered',
  resuming: 'the new primary is confirmed',
  returning: 'given up, everything goes back',
  done: 'clients go on',
  back: 'everything is back',
}
const textOf = ({phase, why, id}: Step): string => `${words[phase]}: ${why} [${id}]`

/** The tool, while and after it runs. */
class RunningTool {
  readonly #deps: RunDeps
  readonly #stop = new AbortController()
  #ended: Promise<ToolEnd> | null = null
  #end: ToolEnd | null = null

  constructor(deps: RunDeps) {
    this.#deps = deps
  }

  get state(): 'waiting' | 'running' | 'done' | 'failed' {
    if (this.#ended === null) return 'waiting'
    if (this.#end === null) return 'running'
    return this.#end.kind === 'failed' ? 'failed' : 'done'
  }

  start(given: () => void): void {
    const {tool, move, say} = this.#deps
    this.#ended = tool
      .run(move, this.#stop.signal)
      .catch((error: unknown): ToolEnd => ({kind: 'unknown', text: String(error)}))
      .then((end) => {
        this.#end = end
        say(end.text)
        return end
      })
    given()
  }

  stop(): void {
    this.#stop.abort()
  }

  /** A switch that was given up shall not happen later. */
  async end(isGivenUp: boolean, leftMs: number): Promise<ToolEnd | null> {
    if (this.#ended === null) return null
    if (isGivenUp) {
      this.stop()
      const withdrawn = await this.#deps.tool.withdraw?.().catch((error: unknown) => String(error))
      if (withdrawn !== undefined) this.#deps.say(withdrawn)
      return this.#ended
    }
    // Patroni answers seconds after the switch, and a command may still rejoin the old primary.
    const cancel = this.#deps.clock.after(leftMs, () => this.stop())
    const end = await this.#ended
    cancel()
    return end
  }
}
