import * as all from 'pg-boss'
import QueryStream from 'pg-query-stream'

const PgBoss = all.PgBoss ?? all.default

/** Its tables are made by the first start. A job that is done writes a row. */
export async function open({db}) {
  const executeSql = (text, values) => db.writer.query(text, values)
  const boss = new PgBoss({db: {executeSql}, supervise: false, schedule: false})
  boss.on('error', () => {})
  await boss.start()
  await boss.createQueue('rows')
  return {
    read: async () => (await boss.getQueue('rows')).name.length + 38,
    async write(value) {
      await boss.send('rows', {value})
      for (const {id, data} of await boss.fetch('rows', {batchSize: 100})) {
        await executeSql(`insert into rows values ('pg-boss', $1)`, [data.value])
        await boss.complete('rows', id)
      }
    },
    rollBack: (value, error) =>
      db.transaction(async (client) => {
        await boss.send('rows', {value}, {db: {executeSql: (text, values) => client.query(text, values)}})
        throw error
      }),
    /** pg-boss has no streams: they run beside it, on a client of its pool. */
    async *stream() {
      const client = await db.reader.connect()
      try {
        yield* client.query(new QueryStream('select generate_series(1, 500)'))
      } finally {
        client.release()
      }
    },
    close: () => boss.stop({graceful: false, close: false}),
  }
}
