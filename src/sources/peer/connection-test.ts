import {enumerate} from '../../core/phrases.ts'
import type {Clock} from '../../core/ports.ts'
import type {MonitorSettings, PeerSettings} from '../../core/settings.ts'
import {deadline} from '../../core/wait.ts'
import type {Heard} from './client.ts'
import {clientOf} from './peers.ts'

/** What `config check --connect` found of one peer, for one group. `problems`: why the peer cannot vote. */
export type PeerTrial = Readonly<{
  peer: string
  group: string
  /** The primaries that the peer sees, or that its metadata name. */
  primaries: readonly string[]
  problems: readonly string[]
  notes: readonly string[]
}>

type Tried = Readonly<{settings: PeerSettings; group: string; hosts: readonly string[]; isWitness: boolean}>

/** For one peer: it may be far away, and TLS takes its round trips. */
const limitMs = 10_000

/** Asks each peer of each group once, all at the same time. `machineId`: of this machine. Never rejects. */
export async function tryPeers(
  {groups}: Pick<MonitorSettings, 'groups'>,
  machineId: string | null,
  clock: Clock,
): Promise<readonly PeerTrial[]> {
  const all = groups.flatMap(({name: group, hosts, peers, witness}): Tried[] => [
    ...peers.map((settings) => ({settings, group, hosts, isWitness: false})),
    ...(witness === null ? [] : [{settings: witness, group, hosts, isWitness: true}]),
  ])
  const heard = await Promise.all(all.map((each) => askOnce(each, clock)))
  return all.map((each, index) => judged(each, heard[index] ?? {trouble: 'was not asked'}, machineId))
}

async function askOnce({settings, group}: Tried, clock: Clock): Promise<Heard> {
  const client = clientOf(settings)
  using limit = deadline(clock, limitMs)
  try {
    return await client.ask(group, limit.signal, limitMs)
  } finally {
    await client.close()
  }
}

function judged({settings, group, hosts, isWitness}: Tried, heard: Heard, machineId: string | null): PeerTrial {
  const peer = isWitness ? `${settings.url} (witness)` : settings.url
  if ('trouble' in heard) return {peer, group, primaries: [], problems: [heard.trouble], notes: []}
  const {word} = heard
  if (word.kind === 'metadata')
    return {peer, group, primaries: word.masters, problems: [], notes: ['may deny, and never confirms']}
  const {view} = word
  const missing = hosts.filter((host) => !view.hosts.some(({name}) => name === host))
  const isHere = machineId !== null && view.machineId === machineId
  return {
    peer,
    group,
    primaries: view.hosts.filter(({role}) => role === 'primary').map(({name}) => name),
    problems: missing.length === 0 ? [] : [`does not watch ${enumerate(missing)}: give it the same hosts and names`],
    notes: isHere ? ['runs on this machine, which has one vote'] : [],
  }
}

/** One line per peer, and below it what is to be fixed or known. */
export function peersText(trials: readonly PeerTrial[], hasGroups: boolean): readonly string[] {
  return trials.flatMap(({peer, group, primaries, problems, notes}) => {
    const name = `peer ${peer}${hasGroups ? `, group ${group}` : ''}`
    if (primaries.length === 0 && problems.length > 0) return [`${name}: ${problems.join('; ')}`]
    return [`${name}: sees ${enumerate(primaries)} as primary`, ...[...problems, ...notes].map((text) => `  ${text}`)]
  })
}
