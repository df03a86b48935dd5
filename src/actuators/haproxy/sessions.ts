/**
 * Open sessions per `backend/server`, from the CSV of `show stat`. Its first columns hold names,
 * which have no commas.
 */
export function sessionsOf(csv: string): ReadonlyMap<string, number> {
  const [header = '', ...rows] = csv.split('\n')
  const column = header.replace(/^# /, '').split(',')
  const at = column.indexOf('scur')
  return new Map(rows.map((row) => row.split(',')).map((cells) => [`${cells[0]}/${cells[1]}`, Number(cells[at] ?? 0)]))
}
