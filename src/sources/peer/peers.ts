import type {SourceKind} from '../../core/evidence/wanted-source.ts'
import type {Clock} from '../../core/ports.ts'
import type {GroupSettings, PeerSettings, ProbeSettings} from '../../core/settings.ts'
import type {PeerClient} from './client.ts'
import {GrpcPeer} from './grpc-client.ts'
import {HttpPeer} from './http-client.ts'
import {PrimgrPeer} from './primgr-client.ts'
import {PeersSource} from './source.ts'
import type {Us} from './tally.ts'
import type {Word} from './vote.ts'

export type PeersDeps = Readonly<{us: Us; clock: Clock; client?: (peer: PeerSettings) => PeerClient}>

export type Peers = Readonly<{
  /** A source for each group that has peers or a witness. */
  kind: SourceKind
  /** Resolves once every peer of the present settings has answered or failed. */
  heard: () => Promise<void>
  /** What each peer of a group said last, by its URL. */
  words: (group: string) => ReadonlyMap<string, Word>
}>

/**
 * The sources `peers`. A group whose peers a reload changes gets a new source, which begins with what the
 * old one has heard: a reload must not begin in silence.
 */
export function peersOf({us, clock, client = clientOf}: PeersDeps): Peers {
  const take = sharing(client)
  const latest = new Map<string, PeersSource>()
  const make = ({name: group, peers, witness}: GroupSettings, probe: ProbeSettings): PeersSource => {
    const all = [
      ...peers.map((settings) => ({settings, isWitness: false})),
      ...(witness === null ? [] : [{settings: witness, isWitness: true}]),
    ]
    const heard = latest.get(group)?.heard ?? new Map()
    const asked = all.map((each) => ({...each, client: take(each.settings)}))
    const source = new PeersSource({group, peers: asked, us, probe, clock, heard})
    latest.set(group, source)
    return source
  }
  return {
    words: (group) => latest.get(group)?.heard ?? new Map(),
    heard: async () => void (await Promise.all([...latest.values()].map(({first}) => first))),
    kind: ({groups, probe}) =>
      groups
        .filter(({peers, witness}) => peers.length > 0 || witness !== null)
        .map((group) => ({
          key: JSON.stringify(['peers', group.name, group.peers, group.witness, probe]),
          groups: [group.name],
          make: () => make(group, probe),
        })),
  }
}

export function clientOf(peer: PeerSettings): PeerClient {
  if (peer.kind === 'grpc') return new GrpcPeer(peer)
  return peer.kind === 'primgr' ? new PrimgrPeer(peer) : new HttpPeer(peer)
}

/** One connection per peer, whatever the number of groups: so one question is under way per peer. */
function sharing(open: (peer: PeerSettings) => PeerClient): (peer: PeerSettings) => PeerClient {
  const shared = new Map<string, {client: PeerClient; users: number}>()
  return (peer) => {
    const key = JSON.stringify(peer)
    const entry = shared.get(key) ?? {client: open(peer), users: 0}
    entry.users += 1
    shared.set(key, entry)
    return {
      ask: (group, signal, limitMs) => entry.client.ask(group, signal, limitMs),
      async close() {
        entry.users -= 1
        if (entry.users > 0) return
        if (shared.get(key) === entry) shared.delete(key)
        await entry.client.close()
      },
    }
  }
}
