import {PrismaPg} from '@prisma/adapter-pg'
import {PrismaClient} from '@prisma/client'
import QueryStream from 'pg-query-stream'

/** A client for each kind of work, over the pools. */
export async function open({db}) {
  const [reader, writer] = [db.reader, db.writer].map((pool) => new PrismaClient({adapter: new PrismaPg(pool)}))
  const insert = (at, value) => at.row.create({data: {library: 'prisma', value}})
  return {
    read: async () => (await reader.$queryRaw`select 40 + 2 as n`)[0].n,
    write: (value) => insert(writer, value),
    rollBack: (value, error) =>
      writer.$transaction(async (transaction) => {
        await insert(transaction, value)
        throw error
      }),
    /** Prisma has no streams: they run beside it, on a client of its pool. */
    async *stream() {
      const client = await db.reader.connect()
      try {
        yield* client.query(new QueryStream('select generate_series(1, 500)'))
      } finally {
        client.release()
      }
    },
    close: () => Promise.all([reader.$disconnect(), writer.$disconnect()]),
  }
}
