import {Logger, makeWorkerUtils, runOnce} from 'graphile-worker'
import QueryStream from 'pg-query-stream'

/** A job that is done writes a row. */
export async function open({db}) {
  const options = {pgPool: db.writer, logger: new Logger(() => () => {})}
  const utils = await makeWorkerUtils(options)
  await utils.migrate()
  const taskList = {
    row: ({value}, {query}) => query(`insert into rows values ('graphile-worker', $1)`, [value]),
  }
  return {
    read: async () =>
      (await db.reader.query('select count(*)::int as n from graphile_worker.jobs')).rows[0].n < 1_000 ? 42 : 0,
    async write(value) {
      await utils.addJob('row', {value}, {maxAttempts: 1})
      await runOnce({...options, taskList})
    },
    rollBack: (value, error) =>
      db.transaction(async (client) => {
        await client.query('select graphile_worker.add_job($1, $2)', ['row', {value}])
        throw error
      }),
    /** On a client of the pool, as the worker lends it to a job. */
    async *stream() {
      const rows = []
      await utils.withPgClient(async (client) => {
        for await (const row of client.query(new QueryStream('select generate_series(1, 500)'))) rows.push(row)
      })
      yield* rows
    },
    close: () => utils.release(),
  }
}
