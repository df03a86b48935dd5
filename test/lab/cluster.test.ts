import {expect, test} from 'vitest'
import {until} from '../support/cluster.ts'
import {lacksLab} from '../support/parts.ts'
import {lab} from './cluster.ts'

test.skipIf(lacksLab).each([13, 18] as const)(
  'PostgreSQL %i: servers of a network stream, and stop when the way is cut',
  async (version) => {
    const {net, cluster} = await lab(version, {nodes: 2, others: []})
    const [host1, host2] = [cluster.node('host1'), cluster.node('host2')]
    const count = async () => (await host2.sql('select count(*)::int as count from numbers'))[0]?.count
    await host1.sql('create table numbers as select generate_series(1, 10)')
    await until(() =>
      count().then(
        (found) => found === 10,
        // The table is not replayed yet.
        () => false,
      ),
    )

    await net.cut('host1', 'host2')
    await host1.sql('insert into numbers values (11)')
    // Long enough for a row that would get through after all.
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await count()).toBe(10)

    await net.heal()
    await until(async () => (await count()) === 11)
    await host1.kill()
    await host2.promote()
    const [{timeline}] = await host2.sql(
      "select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as timeline",
    )
    expect(timeline).toBe(2)
  },
)
