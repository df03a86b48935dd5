import {sql} from 'drizzle-orm'
import {drizzle} from 'drizzle-orm/node-postgres'
import {integer, pgTable, text} from 'drizzle-orm/pg-core'
import QueryStream from 'pg-query-stream'

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
    /** Drizzle has no streams: they run beside it, on a client of its pool. */
    async *stream() {
      const client = await db.reader.connect()
      try {
        yield* client.query(new QueryStream('select generate_series(1, 500)'))
      } finally {
        client.release()
      }
    },
    close: async () => {},
  }
}
