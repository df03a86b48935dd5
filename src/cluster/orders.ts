import {OperatorError} from '../core/errors.ts'
import type {Clock, Log, Orders, Poked, Who} from '../core/ports.ts'
import type {Maintenance} from '../core/snapshot.ts'
import {unknownNameError} from '../core/unknown-name.ts'
import type {Engine} from './engines.ts'
import type {Member} from './member.ts'
import type {Instance} from './record.ts'

/** Sends an order to the instance that owns the group. Resolves to its answer; rejects with its OperatorError. */
export type ForwardOrder = (owner: Instance, path: string, who: Who) => Promise<Readonly<Record<string, unknown>>>

export type SharedOrdersDeps = Readonly<{
  us: Readonly<{id: string}>
  groups: readonly Readonly<{name: string; hosts: readonly string[]}>[]
  member: Member
  forward: ForwardOrder
  clock: Clock
  log: Log
}>

/**
 * Orders in a set: the owner of the group carries them out, and answers when the registry has them. Where
 * there is no such owner nothing is done, and nothing is kept for later.
 */
export class SharedOrders implements Orders {
  readonly #deps: SharedOrdersDeps

  constructor(deps: SharedOrdersDeps) {
    this.#deps = deps
  }

  accept(host: string, who: Who): Promise<string> {
    return this.#carry(host, 'accept', who, (engine) => engine.accept(host, who))
  }

  drain(host: string, who: Who): Promise<string> {
    return this.#carry(host, 'drain', who, (engine) => engine.drain(host, who))
  }

  resume(host: string, who: Who): Promise<string> {
    return this.#carry(host, 'resume', who, (engine) => engine.resume(host, who))
  }

  async poke(host: string, who: Pick<Who, 'isForwarded'> = {}): Promise<Poked> {
    const group = this.#groupOf(host)
    const {member} = this.#deps
    const engine = member.isAnswering(group) ? member.engines.engine(group) : null
    if (engine) return engine.poke(host)
    const answer = await this.#forward(group, `/v1/hosts/${encodeURIComponent(host)}/probe`, {
      by: this.#deps.us.id,
      reason: null,
      ...who,
    })
    return answer as Poked
  }

  /** Of the whole set: the registry ends it by its own clock. */
  async maintain({isOn, untilMs}: {isOn: boolean; untilMs: number | null}, {by, reason}: Who): Promise<string> {
    const {member, clock, log} = this.#deps
    const wall = clock.wall()
    if (isOn && untilMs !== null && untilMs <= wall)
      throw new OperatorError('MAINTENANCE_OVER', 'the end of the maintenance has passed', 'Name a time to come.')
    const before = member.image.maintenance.value
    // Not later than now by this clock: from `since` to `until` is at least as long as was ordered.
    const since = Math.trunc(Math.min(before?.since ?? wall, wall))
    const value: Maintenance | null = isOn
      ? {since, by, reason, until: untilMs === null ? null : Math.trunc(untilMs)}
      : null
    try {
      await member.write(({maintenance}) => ({
        kind: 'maintenance',
        value,
        forMs: untilMs === null ? null : untilMs - wall,
        revision: maintenance.revision,
      }))
    } catch (error) {
      throw notKept('the registry of the set did not take it', error)
    }
    const end = untilMs === null ? 'until "pgroute66 maintenance off"' : `until ${new Date(untilMs).toISOString()}`
    const done = isOn
      ? `every router of the set stays as it is, whatever happens to the hosts, ${end}`
      : before === null
        ? 'there was no maintenance'
        : 'maintenance is over: every router of the set is told again'
    log.warn({by, reason}, `maintenance: ${done}`)
    return done
  }

  async #carry(host: string, verb: string, who: Who, carry: (engine: Engine) => Promise<string>): Promise<string> {
    const group = this.#groupOf(host)
    const {member} = this.#deps
    if (!member.isAnswering(group)) {
      const {done} = await this.#forward(group, `/v1/hosts/${encodeURIComponent(host)}/${verb}`, who)
      return String(done)
    }
    if (!member.fence.isValid) throw notKept('this instance owns the group, and does not reach the registry of the set')
    const done = await member.engines.order(group, carry)
    if (done === null) throw notKept('the registry of the set did not take it')
    return done
  }

  async #forward(group: string, path: string, who: Who): Promise<Readonly<Record<string, unknown>>> {
    const {member, forward, us} = this.#deps
    const owner = member.ownerOf(group)
    if (owner === null || owner.id === us.id || who.isForwarded === true)
      throw notKept(`group ${group} has no owner at this moment that could keep it`)
    return forward(owner, path, who)
  }

  #groupOf(host: string): string {
    const {groups} = this.#deps
    const group = groups.find(({hosts}) => hosts.includes(host))
    if (group !== undefined) return group.name
    const known = groups.flatMap(({hosts}) => hosts)
    throw unknownNameError('host', host, known)
  }
}

const notKept = (why: string, cause?: unknown) =>
  new OperatorError('NO_OWNER', `nothing was done: ${why}`, 'Send the order again in some seconds.', {cause})
