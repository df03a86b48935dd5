import type {Verdict} from '../../core/snapshot.ts'
import {verdictWords} from '../../core/words/verdict-words.ts'
import {printable} from './cells.ts'

/** The verdict in a few words, for a terminal. */
export const verdictText = (verdict: Verdict): string => printable(verdictWords(verdict))
