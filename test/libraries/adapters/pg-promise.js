import pgPromise from 'pg-promise'
import QueryStream from 'pg-query-stream'

/** It makes pools of its own copy of pg, with the Client that it is given. */
export async function open({db}) {
  const pgp = pgPromise({noWarnings: true})
  const [reader, writer] = ['reader', 'writer'].map((host) => pgp({Client: db.driver.Client, host}))
  const insert = (at, value) => at.none('insert into rows values ($1, $2)', ['pg-promise', value])
  return {
    read: async () => (await reader.one('select 40 + 2 as n')).n,
    write: (value) => insert(writer, value),
    rollBack: (value, error) =>
      writer.tx(async (transaction) => {
        await insert(transaction, value)
        throw error
      }),
    async *stream() {
      const rows = []
      await reader.stream(new QueryStream('select generate_series(1, 500)'), (stream) => {
        stream.on('data', (row) => rows.push(row))
      })
      yield* rows
    },
    close: async () => pgp.end(),
  }
}
