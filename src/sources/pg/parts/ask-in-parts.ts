import {isFailure} from '../../../core/ports.ts'
import type {Connection, Row} from '../connection.ts'
import type {PgFailure} from '../failure.ts'
import type {LeftOut} from './known.ts'
import {deniedSql, type Part, type Parts} from './part.ts'

type Answer = readonly Row[] | PgFailure

/**
 * `known`: what is left out already. `ask`: the question without these parts. `deniedOf`: which of
 * these needs does the role lack? `null`: the server does not say.
 */
type Asking = Readonly<{
  parts: Parts
  known: LeftOut
  ask: (without: ReadonlySet<string>) => Promise<Answer>
  deniedOf: (needs: readonly string[]) => Promise<readonly string[] | null>
}>

/**
 * Syntax or access rule (class 42: denied, or not there), or feature not supported. No other error
 * says anything of a part.
 */
const isAboutParts = (answer: Answer): answer is PgFailure =>
  isFailure(answer) && /^(42|0A000$)/.test(answer.sqlstate ?? '')

/**
 * Asks, and where the server refuses something, finds out what, and asks without it. What is found
 * is kept in `known` at once.
 */
export async function askInParts(asking: Asking): Promise<Answer> {
  const {parts, known, ask} = asking
  if (known.suspects.length === 0) {
    const whole = await ask(known.without)
    if (!isAboutParts(whole)) return whole
    if (await leaveOutDenied(asking, whole.detail)) {
      const rest = await ask(known.without)
      if (!isAboutParts(rest)) return rest
    }
    const {without} = known
    known.suspects = [[], Object.keys(parts).filter((name) => !without.has(name))]
  }
  return (await search(asking)) ?? (await ask(known.without))
}

/** Mostly a privilege is missing, and the server says which in one round trip. */
async function leaveOutDenied({parts, known, deniedOf}: Asking, detail: string): Promise<boolean> {
  const {without} = known
  const asked = Object.entries(parts).filter(([name]) => !without.has(name))
  const denied = (await deniedOf([...new Set(asked.flatMap(([, {needs}]) => needs))])) ?? []
  for (const [name, part] of asked) {
    const lacking = part.needs.filter((need) => denied.includes(need))
    if (lacking.length > 0) known.add(name, part, lacking, detail)
  }
  return denied.length > 0
}

/**
 * Which parts fail alone? A CASE around a part does not help: PostgreSQL asks for the privileges of
 * branches that it never takes. Asks by halves, because most parts work. A failure: the question
 * fails without any part, or the server no longer answers.
 */
async function search({parts, known, ask}: Asking): Promise<PgFailure | null> {
  const names = Object.keys(parts)
  for (;;) {
    const [group, ...others] = known.suspects
    if (group === undefined) return null
    const answer = await ask(new Set(names.filter((name) => !group.includes(name))))
    if (isFailure(answer) && !isAboutParts(answer)) return answer
    known.suspects = others
    if (!isFailure(answer)) continue
    const [name] = group
    if (name === undefined) {
      known.suspects = []
      return answer
    }
    const middle = Math.ceil(group.length / 2)
    if (group.length > 1) known.suspects = [group.slice(0, middle), group.slice(middle), ...others]
    else known.add(name, parts[name] as Part, [], answer.detail)
  }
}

/** Asks the server itself. */
export const deniedBy =
  (connection: Connection, signal: AbortSignal) =>
  async (needs: readonly string[]): Promise<readonly string[] | null> => {
    const rows = await connection.ask({text: deniedSql, values: [needs]}, signal)
    return isFailure(rows) ? null : rows.map(({need}) => need as string)
  }
