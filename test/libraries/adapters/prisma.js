import {PrismaPg} from '@prisma/adapter-pg'
import {PrismaClient} from '@prisma/client'

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
    close: () => Promise.all([reader.$disconnect(), writer.$disconnect()]),
  }
}
