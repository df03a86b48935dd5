import knex from 'knex'
import PostgresClient from 'knex/lib/dialects/postgres/index.js'

export async function open({db}) {
  class Client extends PostgresClient {
    _driver() {
      return db.driver
    }
  }
  const [reader, writer] = ['reader', 'writer'].map((host) => knex({client: Client, connection: {host}}))
  const insert = (at, value) => at('rows').insert({library: 'knex', value})
  return {
    read: async () => (await reader.select(reader.raw('40 + 2 as n')))[0].n,
    write: (value) => insert(writer, value),
    rollBack: (value, error) =>
      writer.transaction(async (transaction) => {
        await insert(transaction, value)
        throw error
      }),
    stream: () => reader.select('*').from(reader.raw('generate_series(1, 500)')).stream(),
    close: () => Promise.all([reader.destroy(), writer.destroy()]),
  }
}
