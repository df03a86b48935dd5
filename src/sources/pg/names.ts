import {type LookupAddress, lookup, Resolver} from 'node:dns'
import {isIP} from 'node:net'
import type {Clock} from '../../core/ports.ts'

/** Host name -> addresses. One per process and driver; resolves or rejects with the resolver's error. */
export type Names = (name: string) => Promise<readonly LookupAddress[]>

/** After so long without an answer of the system's resolver, DNS is asked directly as well. */
const patienceMs = 250

const asked = new Map<string, Promise<readonly LookupAddress[]>>()

/**
 * The system's resolver (hosts file, nsswitch) has the word, but it blocks a thread of libuv's pool per question, of which it may take only
 * two at once: two names that hang would keep every other host from reconnecting. So:
 * - an address is never looked up;
 * - a name is asked once at a time: a retry joins the question that still hangs, so retries do not queue up behind it;
 * - a question that waits is asked of DNS itself too, through c-ares, which needs no thread. The first address wins; "no such name" of
 *   c-ares alone does not count, for it reads neither the hosts file nor nsswitch.
 */
export function names(clock: Clock): Names {
  return async (name) => {
    const family = isIP(name)
    if (family !== 0) return [{address: name, family}]
    let question = asked.get(name)
    if (!question) {
      question = ask(name, clock).finally(() => asked.delete(name))
      asked.set(name, question)
    }
    return question
  }
}

function ask(name: string, clock: Clock): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    const dns = new Resolver({timeout: 1000, tries: 3})
    const bySystem = () => {
      cancelLater()
      dns.cancel()
    }
    const found = (family: 4 | 6) => (error: Error | null, addresses: string[]) => {
      if (!error && addresses.length > 0) resolve(addresses.map((address) => ({address, family})))
    }
    const cancelLater = clock.after(patienceMs, () => {
      dns.resolve4(name, found(4))
      dns.resolve6(name, found(6))
    })
    lookup(name, {all: true}, (error, addresses) => {
      bySystem()
      if (error) reject(error)
      else resolve(addresses)
    })
  })
}
