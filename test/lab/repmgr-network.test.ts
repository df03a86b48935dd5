import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import type {PgNode} from '../support/cluster.ts'
import {lacks, lacksLab} from '../support/parts.ts'
import {doubleRoutes, type Looks, watchWriters} from './never-two.ts'
import {Program} from './program.ts'
import {type RepmgrSite, repmgrSite} from './repmgr-site.ts'
import {haveStates, partition, promotedByHand, steady, writesGoTo} from './repmgr-situations.ts'

const isMissing = lacks('repmgr') || lacks('HAProxy') || lacks('socat') || lacksLab

describe.skipIf(isMissing)('repmgr in two locations, and clients that write through HAProxy all the time', () => {
  let site: RepmgrSite
  let looked: (() => Promise<Looks>) | undefined
  let primary: PgNode

  beforeAll(async () => {
    site = await repmgrSite({inter: '1s'})
    primary = site.repmgr.cluster.node('host1')
  })
  afterAll(async () => {
    await looked?.()
    await site?.[Symbol.asyncDispose]()
  })

  test('all is well: the data nodes of the location confirm, and all clients write to the primary', async () => {
    await steady(site, primary)
    // A fresh HAProxy takes every server for up, until its first checks.
    looked = watchWriters(site.routers)
  })

  test('the primary is cut off with the witness: its clients stop before another one is promoted', async () => {
    const seen = await partition(site, primary, {side: [primary.name, 'witness', 'lb1'], how: 'drop'})
    expect(seen).toMatchObject({deposed: primary, writesOnDeposed: 0})
    primary = seen.primary
  })

  test('a standby is promoted by hand: 509 for both primaries, 503 at kill -9, and 200 again', async () => {
    const seen = await promotedByHand(site, primary, site.repmgr.cluster.node('host1'))
    expect(seen.writesOnDeposed).toBe(0)
  })

  test('neither the daemons nor the routers ever had two hosts to write to', async () => {
    const {looks, found} = (await looked?.()) ?? {looks: 0, found: []}
    expect(looks).toBeGreaterThan(10)
    expect(found).toEqual([])
    expect(await doubleRoutes(site.daemons)).toEqual([])
  })

  test('a node that still runs primgr counts the votes of the others, and HAProxy sends writes there', async () => {
    const {repmgr, net, daemons, routers} = site
    const {name, settings} = primary
    daemons[name]?.[Symbol.dispose]()
    await haveStates(site, {[name]: 'silent'})
    const addresses = Object.fromEntries(site.machines.map((machine) => [machine, net.node(machine).address]))
    const original = fileURLToPath(new URL('primgr-node.ts', import.meta.url))
    const args = [name, settings.sockets, JSON.stringify(addresses)]
    const command = [...net.node(name).within, process.execPath, original, ...args]
    const program = new Program(repmgr.cluster.folder, 'primgr', command, null)
    onTestFinished(() => program.kill())
    program.start()
    await haveStates(site, {[name]: 'primary'})
    await writesGoTo(primary, routers)
    // The witness has no primgr: without the vote of one more node there are two of four.
    const [other = ''] = Object.keys(daemons).filter((host) => host !== name && host !== 'host4')
    daemons[other]?.[Symbol.dispose]()
    await haveStates(site, {[name]: 'unknown'})
  })
})
