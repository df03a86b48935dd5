import 'reflect-metadata'
import {DataSource} from 'typeorm'

/** It makes pools of its own, from the driver: those of its slaves first, then its master's. */
export async function open({db}) {
  const replication = {master: {host: 'writer'}, slaves: [{host: 'reader'}]}
  const source = await new DataSource({type: 'postgres', driver: db.driver, replication}).initialize()
  const insert = (at, value) => at.query(`insert into rows values ('typeorm', $1)`, [value])
  const on = async (kind, run) => {
    const runner = source.createQueryRunner(kind)
    try {
      return await run(runner)
    } finally {
      await runner.release()
    }
  }
  return {
    read: () => on('slave', async (runner) => (await runner.query('select 40 + 2 as n'))[0].n),
    write: (value) => on('master', (runner) => insert(runner, value)),
    rollBack: (value, error) =>
      source.transaction(async (manager) => {
        await insert(manager, value)
        throw error
      }),
    async *stream() {
      const runner = source.createQueryRunner('slave')
      yield* await runner.stream('select generate_series(1, 500)')
      await runner.release()
    },
    close: () => source.destroy(),
  }
}
