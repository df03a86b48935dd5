import type {HostRecord} from '../../src/core/facts/host-record.ts'
import {assessRepmgr} from '../../src/sources/repmgr/rules.ts'
import {reaches, type World} from './partition-world.ts'
import {failing, judgementOf, MAX_AGE, OURS, primary, standby} from './records.ts'
import {repmgrSettings, table} from './repmgr-recordings.ts'

const isPromoted = ({promoted}: World) => promoted !== '-'

/** What the table of a node says: that of the primary that it follows, or followed last. */
function tableOf(world: World, name: string): string {
  const {hosts, promoted} = world
  const isOfNew = isPromoted(world) && name !== 'a' && (world.hasFollowed || reaches(world, name, promoted))
  const primaryOf = isOfNew ? promoted : 'a'
  const former = isOfNew ? 'a' : null
  const rows = hosts.map((host) => `${host}=${host === primaryOf ? 'P+' : host === former ? 'P-' : 'S+'}`)
  return [...rows, 'w=W+'].join(' ')
}

const nameIn = (text: string) => /(\w)=P\+/.exec(text)?.[1] ?? null

function recordOf(world: World, name: string): HostRecord {
  if (name === 'a') return primary('a')
  if (name === world.promoted) return primary(name, {timeline: 2})
  const of = nameIn(tableOf(world, name)) ?? 'a'
  const timeline = of === 'a' ? 1 : 2
  // What a standby hears from a primary that it does not reach, it heard before.
  return reaches(world, name, of) ? standby(name, {of, timeline}) : standby(name, {timeline})
}

/** Whom the daemon on the machine `from` routes to, with `confirm: [repmgr]`. */
export function routeByRepmgr(world: World, from: string): string | null {
  const seen = world.hosts.filter((name) => reaches(world, from, name))
  const hosts = world.hosts.map((name) => (seen.includes(name) ? recordOf(world, name) : failing(name, 'timeout')))
  const readings = new Map(seen.map((name) => [name, table(tableOf(world, name))]))
  const limits = {maxAgeMs: MAX_AGE, followersMaxAgeMs: 5_000}
  return judgementOf({
    hosts,
    settings: {confirm: ['repmgr'], systemIdentifier: OURS},
    sources: {
      repmgr: (leader, view) => assessRepmgr({leader, view, readings, settings: repmgrSettings, limits}),
    },
  }).verdict.routedTo
}

/**
 * The hosts that primgr says 200 for: primaries that more than half of all rows of the location name,
 * the witness among them. `witness`: what its copy is; `null`: it does not run primgr, and counts.
 */
export function openByPrimgr(world: World, witness: 'fresh' | 'stale' | null): string {
  const {hosts, promoted} = world
  const witnessNames = witness === 'fresh' && isPromoted(world) && reaches(world, 'w', promoted) ? promoted : 'a'
  const opens = (host: string) => {
    const others = hosts.filter((name) => name !== host && reaches(world, host, name))
    const votes = others.filter((name) => nameIn(tableOf(world, name)) === host).length
    const ofWitness = witness !== null && reaches(world, host, 'w') && witnessNames === host ? 1 : 0
    return 1 + votes + ofWitness >= Math.floor((hosts.length + 1) / 2) + 1
  }
  return hosts.filter((host) => (host === 'a' || host === promoted) && opens(host)).join('') || '-'
}
