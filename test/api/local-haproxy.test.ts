import {describe, onTestFinished, test} from 'vitest'
import type {Config} from '../../src/config/config.ts'
import {freePorts} from '../../src/demo/free-ports.ts'
import {until} from '../../src/demo/wait-until.ts'
import {adapted} from '../support/adapted.ts'
import {startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {primgrCfg} from '../support/primgr-cfg.ts'
import {drained, primary, type SnapshotDraft, standby, unavailable} from '../support/snapshots.ts'
import {localPatroni, localPrimgr} from './local-stage.ts'
import {type Started, started} from './started.ts'

/** The checks of the haproxy.cfg that Patroni ships. */
const ofPatroni = `global
    maxconn 100

defaults
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s

listen batman
    bind *:5000
    option httpchk
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
    server node1 127.0.0.2:5432 maxconn 100 check port 8008
    server node2 127.0.0.3:5432 maxconn 100 check port 8008
    server node3 127.0.0.4:5432 maxconn 100 check port 8008
`

/** The second pool that its documentation describes: a question of its own, of standbys. */
const readers = `
listen replicas
    bind *:5001
    option httpchk OPTIONS /replica?lag=1MB
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
    server node1 127.0.0.2:5432 maxconn 100 check port 8008
    server node2 127.0.0.3:5432 maxconn 100 check port 8008
    server node3 127.0.0.4:5432 maxconn 100 check port 8008
`

const ofPrimgr = primgrCfg({node1: '127.0.0.2', node2: '127.0.0.3', node3: '127.0.0.4'})

const healthy: SnapshotDraft = {hosts: {node1: primary(), node2: standby('node1'), node3: standby('node1')}}
const switched: SnapshotDraft = {hosts: {node1: standby('node2'), node2: primary(), node3: standby('node2')}}

/** A daemon on each of three addresses, with the node there as its local host. */
async function daemons(vocabulary: 'patroni' | 'primgr'): Promise<{port: number; say(draft: SnapshotDraft): void}> {
  const free = await freePorts(1)
  const [port = 0] = free.ports
  const all: Started[] = []
  onTestFinished(async () => {
    await Promise.all(all.map((one) => one[Symbol.asyncDispose]()))
    await free[Symbol.asyncDispose]()
  })
  for (const [index, host] of ['node1', 'node2', 'node3'].entries()) {
    const at = {bind: `127.0.0.${index + 2}`, port}
    const localApi: Config['localApi'] = {
      host,
      patroni: vocabulary === 'patroni' ? {...localPatroni, ...at} : null,
      primgr: vocabulary === 'primgr' ? {...localPrimgr, ...at} : null,
    }
    all.push(await started(healthy, {local: host, localApi}))
  }
  return {port, say: (draft) => all.forEach(({source}) => void source.set(draft))}
}

/** The file, on free ports, and asking more often than it would. */
const onFreePorts = (file: string, port: number, [write, read]: readonly [string, string]) => {
  return adapted(file, {[`bind ${write}\n`]: 'bind 127.0.0.1:{port:write}\n'})
    .replace(/check port \d+/g, `check port ${port}`)
    .replace(/inter \d+s/g, 'inter 200ms')
    .replace(`bind ${read}\n`, 'bind 127.0.0.1:{port:read}\n')
}

/** The servers of the pool that are up, once they are these. */
async function upIn(haproxy: Awaited<ReturnType<typeof startHaproxy>>, pool: string, expected: string) {
  const up = async () => {
    const states = await haproxy.states()
    return ['node1', 'node2', 'node3'].filter((name) => states[`${pool}/${name}`] === 'UP').join()
  }
  await until(async () => (await up()) === expected)
}

describe.skipIf(lacks('HAProxy'))('HAProxy with the files of other programs', () => {
  test("Patroni's haproxy.cfg works unchanged: writers, readers, a switch, a split brain, a drain", async () => {
    const {port, say} = await daemons('patroni')
    const haproxy = await startHaproxy(onFreePorts(ofPatroni + readers, port, ['*:5000', '*:5001']))
    onTestFinished(() => haproxy[Symbol.asyncDispose]())
    const pools = async (writers: string, others: string) => {
      await upIn(haproxy, 'batman', writers)
      await upIn(haproxy, 'replicas', others)
    }
    await pools('node1', 'node2,node3')
    say(switched)
    await pools('node2', 'node1,node3')
    say({hosts: {...switched.hosts, node1: primary()}})
    await pools('', 'node3')
    say({hosts: {...switched.hosts, node3: standby('node2', {lagBytes: 2_000_000})}})
    await pools('node2', 'node1')
    say({hosts: {node1: standby('node2', {drained}), node2: primary({drained}), node3: unavailable()}})
    await pools('', '')
  })

  test("primgr's rules work unchanged: Primary on 200 alone, Slave on 202 alone", async () => {
    const {port, say} = await daemons('primgr')
    const haproxy = await startHaproxy(onFreePorts(ofPrimgr, port, ['*:5432', '*:15432']))
    onTestFinished(() => haproxy[Symbol.asyncDispose]())
    const pools = async (writers: string, others: string) => {
      await upIn(haproxy, 'Primary', writers)
      await upIn(haproxy, 'Slave', others)
    }
    await pools('node1', 'node2,node3')
    say(switched)
    await pools('node2', 'node1,node3')
    // 509 for both rivals, 503 for the server that is down.
    say({hosts: {node1: primary(), node2: primary(), node3: unavailable()}})
    await pools('', '')
    say({hosts: {...switched.hosts, node1: unavailable()}})
    await pools('node2', 'node3')
  })
})
