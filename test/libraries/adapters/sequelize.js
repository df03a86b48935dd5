import QueryStream from 'pg-query-stream'
import {QueryTypes, Sequelize} from 'sequelize'

/** It keeps the clients of the driver: those that are lost are taken out at the next statement. */
export async function open({db}) {
  const replication = {read: [{host: 'reader'}], write: {host: 'writer'}}
  const sequelize = new Sequelize({dialect: 'postgres', dialectModule: db.driver, replication, logging: false})
  const insert = (value, options) =>
    sequelize.query(`insert into rows values ('sequelize', ?)`, {replacements: [value], ...options})
  return {
    read: async () => (await sequelize.query('select 40 + 2 as n', {type: QueryTypes.SELECT}))[0].n,
    write: (value) => insert(value, {type: QueryTypes.INSERT}),
    rollBack: (value, error) =>
      sequelize.transaction(async (transaction) => {
        await insert(value, {transaction})
        throw error
      }),
    /** Sequelize has no streams: they run on a connection of its own pool. */
    async *stream() {
      const {connectionManager} = sequelize
      const client = await connectionManager.getConnection({type: 'SELECT'})
      try {
        yield* client.query(new QueryStream('select generate_series(1, 500)'))
      } finally {
        connectionManager.releaseConnection(client)
      }
    },
    close: () => sequelize.close(),
  }
}
