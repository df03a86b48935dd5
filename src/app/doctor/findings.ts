/** `fix`: the operator has to do something; `away`: a part does not answer; `note`: it works, and should be changed. */
export type FindingState = 'ok' | 'note' | 'away' | 'fix'

/** One line of `doctor`. `says`: one line. `remedy`: what to do; `null` only where nothing is to be done. */
export type Finding = Readonly<{
  about: string
  state: FindingState
  says: string
  remedy: string | null
}>

export const fine = (about: string, says: string): Finding => ({about, state: 'ok', says, remedy: null})

export const found = (state: Exclude<FindingState, 'ok'>, about: string, says: string, remedy: string): Finding => ({
  about,
  state,
  says: says.replaceAll(/\s*\n\s*/g, ' '),
  // The guides are written for pages, where a command stands in backticks.
  remedy: remedy.replaceAll('`', '"'),
})

/** Each finding is a line, and its remedy one below it. */
export function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({about}) => about.length))
  const lines = findings.flatMap(({state, about, says, remedy}) => [
    `${labels[state]}  ${about.padEnd(width)}  ${says}`,
    ...(remedy === null ? [] : [`${' '.repeat(width + 8)}${remedy}`]),
  ])
  const count = (state: FindingState) => findings.filter((one) => one.state === state).length
  const [fix, away, note] = [count('fix'), count('away'), count('note')]
  if (fix + away + note === 0) return [...lines, 'ok: nothing is to be done'].join('\n')
  return [...lines, `to be fixed: ${fix}; without an answer: ${away}; to be looked at: ${note}`].join('\n')
}

const labels: Readonly<Record<FindingState, string>> = {ok: 'ok  ', note: 'note', away: 'away', fix: 'FIX '}
