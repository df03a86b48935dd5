import type {HaproxyFrontend} from './hold-plan.ts'

/**
 * Open sessions per `backend/server`, from the CSV of `show stat`. Its first columns hold names,
 * which have no commas.
 */
export const sessionsOf = (csv: string): ReadonlyMap<string, number> =>
  new Map(rowsOf(csv).map(({name, server, value}) => [`${name}/${server}`, Number(value('scur') || 0)]))

/** Each frontend with its present `maxconn`. */
export const frontendsOf = (csv: string): readonly HaproxyFrontend[] =>
  rowsOf(csv).flatMap(({name, server, value}) =>
    server === 'FRONTEND' ? {frontend: name, limit: Number(value('slim') || 0)} : [],
  )

function rowsOf(csv: string) {
  const [header = '', ...rows] = csv.split('\n')
  const column = header.replace(/^# /, '').split(',')
  return rows.filter(Boolean).map((row) => {
    const cells = row.split(',')
    const [name = '', server = ''] = cells
    return {name, server, value: (field: string) => cells[column.indexOf(field)] ?? ''}
  })
}
