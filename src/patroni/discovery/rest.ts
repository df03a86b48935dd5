import {PatroniError} from '../error.ts'
import {limits, PatroniMember} from '../member.ts'
import {memberUrl, Transport, type TransportOptions, toldUrl} from '../transport.ts'
import type {Discovery, MemberAddress} from './discovery.ts'

export type RestDiscoveryOptions = TransportOptions &
  Readonly<{urls: readonly string[]; timeoutMs?: number | undefined}>

/**
 * The members by any of them: GET /cluster tells the `api_url` of each. It works with every DCS that
 * Patroni has, and needs no credentials of it. What was told once is kept for when no member answers.
 */
export function restDiscovery({urls, timeoutMs = limits.read, ...options}: RestDiscoveryOptions): Discovery {
  const transport = new Transport(options)
  const given = [...new Set(urls.map(memberUrl))].map((url): MemberAddress => ({url, name: null}))
  let known: readonly MemberAddress[] = given
  return {
    async members(signal) {
      const asked = new Map([...given, ...known].map((address) => [address.url, address]))
      for (const {url} of asked.values()) {
        const told = await toldBy(new PatroniMember(url, transport, timeoutMs), signal)
        if (told === null) continue
        known = told
        break
      }
      return known
    },
  }
}

/** `null`: this member does not answer, or knows none: its DCS is away. */
async function toldBy(member: PatroniMember, signal?: AbortSignal): Promise<readonly MemberAddress[] | null> {
  const call = signal === undefined ? {} : {signal}
  try {
    const {data} = await member.cluster(call)
    const named = (data?.members ?? []).flatMap(({name, api_url: api}) => {
      const url = toldUrl(api)
      return url === null ? [] : [{name, url}]
    })
    if (named.length === 0) return null
    // The address that we were given may lead there by another way, which is the one that works from
    // here. The same member at two addresses would claim the lock twice.
    if (named.some(({url}) => url === member.url)) return named
    const {data: status} = await member.status(call)
    const own = status?.patroni?.name
    return named.map((address) => (address.name === own ? {...address, url: member.url} : address))
  } catch (error) {
    if (error instanceof PatroniError && !signal?.aborted) return null
    throw error
  }
}
