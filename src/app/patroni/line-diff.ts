/** Beyond it the changed part is shown as removed and written anew: the table would need too much memory. */
const maxCells = 4_000_000
const contextLines = 3

/** The lines that differ, as `diff -u` shows them, with the lines around them. `''`: none differs. */
export function lineDiff(before: string, after: string): string {
  const lines = compared(before.split('\n'), after.split('\n'))
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some((line) => !line.startsWith(' ')),
  )
  return lines
    .flatMap((line, index) => {
      if (isNear[index]) return [line]
      return index > 0 && isNear[index - 1] && isNear.indexOf(true, index) >= 0 ? ['@@'] : []
    })
    .join('\n')
}

/** Every line of both texts, with a space, `-` or `+` before it. */
function compared(before: readonly string[], after: readonly string[]): readonly string[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1
  let end = 0
  const most = Math.min(before.length, after.length) - start
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end += 1
  const [removed, added] = [before.slice(start, before.length - end), after.slice(start, after.length - end)]
  const same = (lines: readonly string[]) => lines.map((line) => ` ${line}`)
  return [...same(before.slice(0, start)), ...changed(removed, added), ...same(before.slice(before.length - end))]
}

/** By the longest common subsequence. */
function changed(removed: readonly string[], added: readonly string[]): readonly string[] {
  const width = added.length + 1
  if (removed.length * added.length > maxCells)
    return [...removed.map((line) => `-${line}`), ...added.map((line) => `+${line}`)]
  const common = new Uint32Array((removed.length + 1) * width)
  const at = (row: number, column: number) => common[row * width + column] ?? 0
  for (let row = removed.length - 1; row >= 0; row--)
    for (let column = added.length - 1; column >= 0; column--)
      common[row * width + column] =
        removed[row] === added[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1))
  const lines: string[] = []
  let [row, column] = [0, 0]
  while (row < removed.length || column < added.length) {
    const isCommon = row < removed.length && column < added.length && removed[row] === added[column]
    const isRemoved = row < removed.length && (column >= added.length || at(row + 1, column) >= at(row, column + 1))
    if (isCommon) lines.push(` ${removed[row]}`)
    else lines.push(isRemoved ? `-${removed[row]}` : `+${added[column]}`)
    if (isCommon || isRemoved) row += 1
    if (isCommon || !isRemoved) column += 1
  }
  return lines
}
