import {setTimeout as sleep} from 'node:timers/promises'
import {byProgress, onAStandby} from '../../connector/callers.ts'
import {type PgNode, rejoin, until} from '../../support/cluster.ts'
import type {Site} from './site.ts'

export type Fault = Readonly<{name: string; run(site: Site): Promise<void>}>

/** Each leaves three servers behind, of which two are standbys. */
export const faultList: readonly Fault[] = [
  {
    name: 'kill -9 of a reader',
    async run({standby}) {
      const node = standby()
      await node.kill()
      await sleep(1_000)
      await node.start()
    },
  },
  {
    name: 'a reader freezes for 3 s',
    async run({standby}) {
      const node = standby()
      node.hang()
      await sleep(3_000)
      node.thaw()
    },
  },
  {name: 'fast restart of a reader', run: ({standby}) => standby().restart('fast')},
  {
    name: 'all readers are gone',
    async run({standby}) {
      const nodes = [standby(), standby()]
      await Promise.all(nodes.map((node) => node.kill()))
      await sleep(2_000)
      await Promise.all(nodes.map((node) => node.start()))
    },
  },
  {name: 'kill -9 of the primary, and a promotion', run: (site) => replace(site, (old) => old.kill())},
  {name: 'fast stop of the primary, and a promotion', run: (site) => replace(site, (old) => old.stop('fast'))},
  {
    name: 'a drain',
    async run({dbs, standby}) {
      const {name} = standby()
      await Promise.all(dbs.map((db) => db.node(name).drain('5s')))
      await sleep(500)
      for (const db of dbs) db.node(name).online = true
    },
  },
  {
    name: 'the daemon is restarted',
    async run({daemon}) {
      await daemon.end('SIGTERM')
      await daemon.start()
    },
  },
  {
    name: 'the daemon is gone for 10 s',
    async run({daemon}) {
      await daemon.end('SIGKILL')
      await sleep(10_000)
      await daemon.start()
    },
  },
  {
    name: 'the name of a host moves',
    async run({moveName}) {
      await moveName()
      await sleep(1_000)
    },
  },
  {
    name: 'a reader has no TLS for 3 s',
    async run({standby}) {
      const node = standby()
      const set = async (value: string) => {
        await node.sql(`alter system set ssl = ${value}`)
        await node.sql('select pg_reload_conf()')
      }
      await set('off')
      await node.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'pgroute66'")
      await sleep(3_000)
      await set('on')
    },
  },
  {
    name: 'PgBouncer between is killed',
    async run({pgbouncer}) {
      await pgbouncer.stop()
      await sleep(1_000)
      await pgbouncer.start()
    },
  },
]

async function replace({dbs, cluster, primary}: Site, end: (old: PgNode) => Promise<void>): Promise<void> {
  const old = primary()
  await end(old)
  const [next, third] = await byProgress(cluster.nodes.filter((node) => node !== old))
  await next.promote()
  await next.sql(`alter system set synchronous_standby_names = '${onAStandby}'`)
  await next.sql('select pg_reload_conf()')
  await third.follow(next)
  await until(() => dbs.every((db) => db.verdict.routedTo === next.name), 600_000)
  await rejoin(old, next)
}
