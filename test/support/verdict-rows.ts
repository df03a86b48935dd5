import {describe, expect, test} from 'vitest'
import type {SourceAnswer} from '../../src/core/evidence/evidence-source.ts'
import {judgementOf, type Trial} from './records.ts'

/** `given`: the title; `outcome`: what the verdict must hold besides its rule. */
export type Row = Readonly<{given: string; when: Trial; outcome: object}>

/** A source of evidence that always gives this answer. */
export const says = (answer: SourceAnswer['answer'], subject: string | null) => () => ({
  subject,
  answer,
  why: 'it says so',
  askedAt: 99_000,
})

/** One test for each row: the verdict is reached by this rule, and has a reason. */
export function testRows(rule: string, rows: readonly Row[]): void {
  describe(rule, () => {
    for (const {given, when, outcome} of rows)
      test(`given ${given}`, () => {
        const {verdict} = judgementOf(when)
        expect(verdict, verdict.why).toMatchObject({rule, ...outcome})
        expect(verdict.why).not.toBe('')
      })
  })
}
