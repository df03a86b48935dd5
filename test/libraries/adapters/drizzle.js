import {sql} from 'drizzle-orm'
import {drizzle} from 'drizzle-orm/node-postgres'
import {integer, pgTable, text} from 'drizzle-orm/pg-core'

const rows = pgTable('rows', {library: text(), value: integer()})

export async function open({db}) {
  const [reader, writer] = [drizzle({client: db.reader}), drizzle({client: db.writer})]
  const insert = (at, value) => at.insert(rows).values({library: 'drizzle', value})
  return {
    read: async () => (await reader.execute(sql`select 40 + 2 as n`)).rows[0].n,
    write: (value) => insert(writer, value),
    rollBack: (value, error) =>
      writer.transaction(async (transaction) => {
        await insert(transaction, value)
        throw error
      }),
    close: async () => {},
  }
}
