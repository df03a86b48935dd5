import type {EvidenceSource, SourceAnswer} from '../../src/core/evidence/evidence-source.ts'

/** An external source of evidence in memory: it says what it was told to say. */
export class FakeEvidence implements EvidenceSource {
  readonly name: string
  isDisposed = false
  /** How often it was asked. */
  asked = 0
  #answer: SourceAnswer = {subject: null, answer: 'silent', why: 'it has heard nothing yet', askedAt: null}
  readonly #listeners = new Set<(group: string) => void>()

  constructor(name: string) {
    this.name = name
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** From now on it answers this; `group` is told that there is news. */
  say(answer: SourceAnswer, group?: string): void {
    this.#answer = answer
    if (group !== undefined) for (const changed of this.#listeners) changed(group)
  }

  assess(): SourceAnswer {
    this.asked += 1
    return this.#answer
  }

  subscribe(changed: (group: string) => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true
  }
}
