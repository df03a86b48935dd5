import {mkdtemp, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished} from 'vitest'
import {noMeter} from '../../src/core/no-meter.ts'
import type {MemoryStore} from '../../src/core/ports.ts'
import type {GroupSettings, ProbeSettings} from '../../src/core/settings.ts'
import {silentLog} from '../../src/core/silent-log.ts'
import type {Evidence, HostState, Verdict} from '../../src/core/snapshot.ts'
import {nothingRemembered} from '../../src/core/verdict/group-memory.ts'
import type {SourcesFor} from '../../src/monitor/evidence-desk.ts'
import {startMonitor} from '../../src/monitor/monitor.ts'
import {driverFor} from '../../src/sources/pg/host-drivers.ts'
import {systemClock} from '../../src/system/clock.ts'
import {type Cluster, hostsYaml, until} from '../support/cluster.ts'
import {run} from '../support/run.ts'
import {groupSettings, hostSettings, monitorSettings} from '../support/settings.ts'

/** A monitor in this process, which keeps what it learns until the test ends. */
export type Witness = Readonly<{
  /** Waits for a verdict like this one, and returns it. The failure shows the verdict that stayed. */
  concludes(expected: Partial<Verdict>): Promise<Verdict>
  verdict(): Verdict
  /** What the sources say of the primary, or of the rivals. */
  evidence(): readonly Evidence[]
  host(name: string): HostState
  /** The hosts that writes went to since the last call, each once. */
  routed(): readonly string[]
  accept(host: string): Promise<string>
  /** Stops the monitor, as at the end of the test. */
  close(): Promise<void>
}>

/** The limits are longer than the defaults: a busy machine must not decide a verdict. */
const patient = {timeoutMs: 5_000, maxAgeMs: 10_000, knockIntervalMs: 1_000, pingTimeoutMs: 5_000}

export type WitnessOptions = Readonly<{
  group?: Partial<GroupSettings>
  probe?: Partial<ProbeSettings>
  store?: MemoryStore
  /** As whom the monitor logs in. */
  user?: string
  /** External sources. */
  evidence?: SourcesFor
}>
/** Servers on this machine, at 127.0.0.1 unless they have another address. */
type Watched = Readonly<{nodes: readonly Readonly<{name: string; port: number; address?: string}>[]}>

/** What one monitor saves, another one that gets the same store loads. */
export function keptMemory(): MemoryStore {
  let kept = nothingRemembered
  return {
    load: async () => kept,
    async save(memory) {
      kept = memory
    },
  }
}

/** Watches the servers of a cluster on this machine until the test ends. */
export async function witness(
  {nodes}: Watched,
  {group, probe, store, user = 'pgroute66', evidence}: WitnessOptions = {},
): Promise<Witness> {
  const settings = monitorSettings(
    nodes.map(({name, port, address = '127.0.0.1'}) =>
      hostSettings(name, {host: address, port, user, sslmode: 'disable'}),
    ),
    {
      probe: {...patient, ...probe},
      groups: [
        groupSettings(
          'all',
          nodes.map(({name}) => name),
          group,
        ),
      ],
    },
  )
  const monitor = await startMonitor({
    settings,
    driver: driverFor(settings, systemClock, silentLog),
    clock: systemClock,
    random: Math.random,
    store: store ?? keptMemory(),
    ...(evidence && {evidence}),
    log: silentLog,
    meter: noMeter,
    version: 'test',
  })
  onTestFinished(() => monitor[Symbol.asyncDispose]())
  const routes = new Set<string>()
  monitor.subscribe(({snapshot}) => {
    const host = snapshot.groups.all?.verdict.routedTo
    if (host) routes.add(host)
  })
  await monitor.ready
  const verdict = () => present(monitor.current().groups.all).verdict
  return {
    verdict,
    evidence: () => present(monitor.current().groups.all).evidence,
    host: (name) => present(monitor.current().hosts[name]),
    async concludes(expected) {
      const isLike = () => Object.entries(expected).every(([key, value]) => Reflect.get(verdict(), key) === value)
      await until(isLike).catch(() => expect(verdict()).toMatchObject(expected))
      return verdict()
    },
    routed() {
      const hosts = [...routes].sort()
      routes.clear()
      return hosts
    },
    accept: (host) => monitor.accept(host, {by: 'anna', reason: null}),
    close: async () => monitor[Symbol.asyncDispose](),
  }
}

/** `check` without a daemon and without a memory: what it says of the group, and its exit code. */
export async function checkAnew(cluster: Cluster) {
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-ahead-'))
  await writeFile(join(cwd, 'pgroute66.yml'), hostsYaml(cluster), {mode: 0o600})
  const {code, stdout} = await run(['check', '--direct', '--json', '--timeout', '20s'], {cwd})
  const {verdict} = JSON.parse(stdout)
  return {code, verdict}
}

function present<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('the snapshot does not have it')
  return found
}
