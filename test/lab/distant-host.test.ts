import {expect, test} from 'vitest'
import {until} from '../support/cluster.ts'
import {lacksLab} from '../support/parts.ts'
import {lab} from './cluster.ts'
import {labServe} from './serve.ts'

// Seen with fixed limits: from a round trip of 250 ms with TLS every healthy host was `hung`, and
// the primary was routed to no longer.
test.skipIf(lacksLab)(
  'a round trip of 800 ms, TLS and SCRAM: the primary is routed to, and no host is unavailable',
  async () => {
    const {net, cluster} = await lab(15, {nodes: 2, tls: true})
    for (const {name} of cluster.nodes) await net.delay('serve', name, {roundTripMs: 800})
    const serve = await labServe({net, cluster}, {sslmode: 'require', probe: 'knock_interval: 1s'})
    const probes = async () => {
      const metrics = (await serve.get('/metrics')) ?? ''
      return Number(/probe_duration_seconds_count\{group="all"\} (\d+)/.exec(metrics)?.[1] ?? 0)
    }
    // Knocks come at least as often: each of them takes four round trips.
    await until(async () => (await probes()) >= 30)
    expect(await serve.get('/v1/primary')).toBe('["host1"]')
    expect(serve.output()).not.toMatch(/→ unavailable/)
  },
)
