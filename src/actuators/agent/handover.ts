import type {Snapshot} from '../../core/snapshot.ts'
import {writerQuestion} from './answer.ts'

/**
 * A HAProxy that has not asked for a server for this time no longer asks for it. Several times
 * `agent-inter`, which is 2 s by default.
 */
const timeoutMs = 10_000

/** One question of HAProxy's agent-check. `now`: monotonic milliseconds. */
export type HandoverQuestion = Readonly<{
  /** HAProxy's address. */
  client: string
  question: string
  /** What the snapshot alone would answer. */
  answer: string
  snapshot: Snapshot
  now: number
}>

/** `at`: the last question. `isTold`: it got another answer than "up", which may not have arrived. */
type Up = Readonly<{at: number; isTold: boolean}>

/**
 * HAProxy asks for its servers one after the other, so at a switch it may ask for the successor
 * first. Two writers would then be up until it asks for the deposed one. Hence the old writer gets
 * its "down" before the new one gets "up". HAProxy asks for one server once at a time: its next
 * question for the old writer tells that the "down", which may be late, has arrived. One address
 * counts as one HAProxy with one such backend.
 */
export class Handover {
  /** HAProxy's address and the host, as far as this HAProxy may have the host up. */
  readonly #up = new Map<string, Up>()

  /** The answer that may be sent now. */
  settle({client, question, answer, snapshot, now}: HandoverQuestion): string {
    const asked = writerQuestion(question, snapshot)
    if (asked === null) return answer
    const key = `${client} ${asked.host}`
    const known = this.#up.get(key)
    // An empty answer (maintenance) changes nothing: a server that is up stays up.
    if (answer === '') {
      if (known !== undefined) this.#up.set(key, {...known, at: now})
      return answer
    }
    this.#up.delete(key)
    if (!answer.startsWith('ready')) {
      if (known?.isTold === false) this.#up.set(key, {at: now, isTold: true})
      return answer
    }
    for (const [other, {at}] of this.#up) if (now - at > timeoutMs) this.#up.delete(other)
    const still = asked.others.find((host) => this.#up.has(`${client} ${host}`))
    if (still !== undefined) return `down #${still} goes down first`
    this.#up.set(key, {at: now, isTold: false})
    return answer
  }
}
