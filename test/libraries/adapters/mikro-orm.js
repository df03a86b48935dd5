import {EntitySchema, MikroORM} from '@mikro-orm/postgresql'
import {PostgresDialect} from 'kysely'
import Cursor from 'pg-cursor'

const Row = new EntitySchema({
  name: 'Row',
  tableName: 'rows',
  properties: {library: {type: 'text'}, value: {type: 'integer', primary: true}},
})

export async function open({db}) {
  const [reader, writer] = await Promise.all(
    [db.reader, db.writer].map((pool) =>
      MikroORM.init({
        ...{entities: [Row], dbName: 'app', driverOptions: new PostgresDialect({pool, cursor: Cursor})},
        discovery: {disableDynamicFileAccess: true},
      }),
    ),
  )
  return {
    read: async () => (await reader.em.fork().getConnection().execute('select 40 + 2 as n'))[0].n,
    write: (value) => writer.em.fork().insert('Row', {library: 'mikro-orm', value}),
    rollBack: (value, error) =>
      writer.em.fork().transactional(async (em) => {
        await em.insert('Row', {library: 'mikro-orm', value})
        throw error
      }),
    stream: () => reader.em.fork().getConnection().stream('select generate_series(1, 500) as n'),
    close: () => Promise.all([reader.close(), writer.close()]),
  }
}
