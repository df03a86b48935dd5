import {type Agent, startAgent} from '../actuators/agent/server.ts'
import type {ActuatorConfig} from '../core/actuator.ts'
import {fallbackOf} from '../core/offers/fallback.ts'
import type {NamedOnly} from '../core/offers/unknown-addresses.ts'
import type {Clock, Log, SnapshotSource} from '../core/ports.ts'
import type {Router, RouterSource} from '../core/router.ts'

export type AgentPortDeps = Readonly<{
  source: SnapshotSource
  clock: Clock
  log: Log
  dryRun: boolean
  namedOnly: NamedOnly
}>

/** The port of HAProxy's agent-check, where the configuration in force has one. */
export class AgentPort implements AsyncDisposable, RouterSource {
  readonly #deps: AgentPortDeps
  #agent: Agent | null = null
  #fallback: ReturnType<typeof fallbackOf> = () => 'none'

  constructor(deps: AgentPortDeps) {
    this.#deps = deps
  }

  /** Throws OperatorError when it cannot listen on the port; then nothing has changed. */
  async applyConfig({agent: settings, groups}: ActuatorConfig): Promise<void> {
    const {source, dryRun, log} = this.#deps
    if (settings !== null && dryRun) log.info({}, 'dry run: the port of agent-check stays closed')
    else if (settings === null) await this[Symbol.asyncDispose]()
    else if (this.#agent !== null) await this.#agent.reload(settings)
    else {
      const fallback = (group: string) => this.#fallback(group)
      this.#agent = await startAgent({
        ...this.#deps,
        settings,
        fallback,
        isFrozen: () => source.current().maintenance !== null,
      })
    }
    this.#fallback = fallbackOf(groups)
  }

  routers(): readonly Router[] {
    const agent = this.#agent
    return agent === null ? [] : [{name: `agent ${agent.address}`, kind: 'agent', questions: agent.questions()}]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]()
    this.#agent = null
  }
}
