import type {SnapshotSource} from '../core/ports.ts'
import {timelineOf} from '../core/snapshot.ts'
import type {Action} from '../ui/action.ts'
import type {Cluster} from './cluster.ts'

/** The keys that break and repair the servers of the demo. Each acts on the selected host. */
export function demoKeys(cluster: Cluster, source: SnapshotSource): readonly Action[] {
  const primaryBeside = (name: string) => {
    const {hosts} = source.current()
    const timelineIn = (node: string) => (hosts[node] ? timelineOf(hosts[node]) : null) ?? 0
    const primaries = cluster.nodes.filter((node) => node.name !== name && hosts[node.name]?.role === 'primary')
    return primaries.toSorted((a, b) => timelineIn(b.name) - timelineIn(a.name))[0]
  }
  return [
    {
      key: 'K',
      label: 'kill/start',
      async run(name) {
        const node = cluster.node(name)
        if (!node.isRunning) {
          await node.start()
          return `${name} started with its old data`
        }
        await node.kill()
        return `${name} killed (kill -9)`
      },
    },
    {
      key: 'H',
      label: 'hang/thaw',
      async run(name) {
        const node = cluster.node(name)
        if (!node.isRunning) return `${name} is not running: start it with K`
        if (node.isHung) {
          node.thaw()
          return `${name} thawed (SIGCONT)`
        }
        node.hang()
        return `${name} hangs: all of its processes are stopped (SIGSTOP)`
      },
    },
    {
      key: 'P',
      label: 'promote',
      async run(name) {
        const node = cluster.node(name)
        if (!node.isRunning || node.isHung) return `${name} does not answer: start or thaw it first`
        if (source.current().hosts[name]?.role === 'primary') return `${name} is already a primary`
        await node.promote()
        const followers = cluster.nodes.filter(
          (other) =>
            other !== node &&
            other.isRunning &&
            !other.isHung &&
            source.current().hosts[other.name]?.role === 'standby',
        )
        await Promise.all(followers.map((other) => other.follow(node)))
        return `${name} promoted; followers: ${followers.map((other) => other.name).join(', ') || 'none'}`
      },
    },
    {
      key: 'B',
      label: 'rebuild',
      async run(name) {
        const source = primaryBeside(name)
        if (!source) return `no other primary runs to rebuild ${name} from`
        const node = cluster.node(name)
        await node.cloneFrom(source)
        await node.start()
        return `${name} rebuilt as a standby of ${source.name}`
      },
    },
  ]
}
