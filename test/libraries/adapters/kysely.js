import {Kysely, PostgresDialect, sql} from 'kysely'
import Cursor from 'pg-cursor'

/** A dialect for each kind of work, over the pools. */
export async function open({db}) {
  const [reader, writer] = [db.reader, db.writer].map(
    (pool) => new Kysely({dialect: new PostgresDialect({pool, cursor: Cursor})}),
  )
  const insert = (at, value) => at.insertInto('rows').values({library: 'kysely', value}).execute()
  return {
    read: async () => (await reader.selectNoFrom(sql`40 + 2`.as('n')).executeTakeFirstOrThrow()).n,
    write: (value) => insert(writer, value),
    rollBack: (value, error) =>
      writer.transaction().execute(async (transaction) => {
        await insert(transaction, value)
        throw error
      }),
    stream: () => reader.selectFrom(sql`generate_series(1, 500)`.as('n')).selectAll().stream(100),
    close: () => Promise.all([reader.destroy(), writer.destroy()]),
  }
}
