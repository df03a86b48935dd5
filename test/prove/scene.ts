import type {Daemon} from '../bench/daemon.ts'
import {type Cluster, hostsYaml, type PgNode, until} from '../support/cluster.ts'
import {naiveAnswer} from './naive-check.ts'

/** `rows`: how many rows of the table the host shows; `null`: it does not answer. */
export type HostLine = Readonly<{host: string; naive: string; rows: number | null}>

/** Both checks at one moment. `routed`: the hosts that each gives to writers. */
export type Moment = Readonly<{
  what: string
  hosts: readonly HostLine[]
  naive: Readonly<{routed: readonly string[]}>
  ours: Readonly<{routed: readonly string[]; status: number; rule: string; situation: string; why: string}>
}>

/** What the daemon has to say for the scene to go on: the name of the situation. */
export type Expected = Readonly<{situations: readonly string[]; routed: readonly string[]}>

/** The stage of one scene: a cluster, a daemon, and what both checks said so far. */
export class Scene {
  readonly moments: Moment[] = []
  /** What the daemon should have said and did not; empty: the scene proves what it is for. */
  readonly failures: string[] = []
  readonly #cluster: Cluster
  readonly #daemon: Daemon

  constructor(cluster: Cluster, daemon: Daemon) {
    this.#cluster = cluster
    this.#daemon = daemon
  }

  host(name: string): PgNode {
    return this.#cluster.node(name)
  }

  /** Waits until the daemon has seen what happened, then asks both. What differs is a failure of ours. */
  async compare(what: string, expected: Expected): Promise<void> {
    await until(async () => expected.situations.includes((await this.#verdict()).situation)).catch(() => {})
    const hosts = await Promise.all(this.#cluster.nodes.map(lineOf))
    const {body, status} = await this.#daemon.ask('/v1/primary')
    const {rule, situation, why} = await this.#verdict()
    const ours = {routed: JSON.parse(body) as string[], status, rule, situation, why}
    const naive = {routed: hosts.filter((line) => line.naive === 'f').map(({host}) => host)}
    this.moments.push({what, hosts, naive, ours})
    if (!expected.situations.includes(situation) || ours.routed.join() !== expected.routed.join())
      this.failures.push(`${what}: pgroute66 said ${situation} and routed to ${ours.routed.join(', ') || 'none'}`)
  }

  async #verdict(): Promise<Readonly<{rule: string; situation: string; why: string}>> {
    return JSON.parse((await this.#daemon.ask('/v1/groups/all')).body).verdict
  }
}

async function lineOf(node: PgNode): Promise<HostLine> {
  const naive = await naiveAnswer(node)
  const rows = node.isRunning
    ? await node.sql('select count(*)::int as count from written').then(
        ([row]) => Number(row?.count),
        () => null,
      )
    : null
  return {host: node.name, naive, rows}
}

/** The configuration of the daemon. On a busy machine the limits must not decide a verdict. */
export const yamlFor = (cluster: Cluster): string =>
  `${hostsYaml(cluster)}\nprobe: {timeout: 5s, max_age: 10s, knock_interval: 1s}`
