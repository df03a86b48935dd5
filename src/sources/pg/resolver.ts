import type {LookupAddress} from 'node:dns'
import {isIP} from 'node:net'
import type {Clock} from '../../core/ports.ts'

/** Host name -> addresses, in the order in which to try them; rejects with the resolver's error. */
export type Resolver = (name: string) => Promise<readonly LookupAddress[]>

/**
 * Two ways to ask. `system` has the last word. `direct` resolves to nothing rather than reject;
 * `cancel` ends it.
 */
export type Resolvers = Readonly<{
  system: Resolver
  direct: (name: string) => {answer: Promise<readonly LookupAddress[]>; cancel: () => void}
}>

/** After so long without an answer of the system's resolver, DNS is asked directly as well. */
const timeoutMs = 250

/**
 * The system's resolver (hosts file, nsswitch) has the word, but every question holds a thread of
 * libuv's pool, and only two may at once: two names that hang would keep every other host from
 * reconnecting. So:
 * - an address is never looked up;
 * - the system is asked one question per name at a time: a retry joins the one that still hangs;
 * - a question that waits is asked of DNS itself too, through c-ares, which needs no thread. Its
 *   addresses count; its "no such
 *   name" does not, for it reads neither the hosts file nor nsswitch. (More threads,
 *   UV_THREADPOOL_SIZE, would have to be set before node starts, and only move the limit.)
 */
export function resolver(clock: Clock, {system, direct}: Resolvers = resolvers): Resolver {
  return async (name) => {
    const family = isIP(name)
    if (family !== 0) return [{address: name, family}]
    const {promise, resolve, reject} = Promise.withResolvers<readonly LookupAddress[]>()
    let cancel = () => {}
    const stop = clock.after(timeoutMs, () => {
      const question = direct(name)
      cancel = question.cancel
      question.answer.then((addresses) => addresses.length > 0 && resolve(addresses))
    })
    once(name, system).then(resolve, reject)
    return promise.finally(() => {
      stop()
      cancel()
    })
  }
}

/**
 * One per process, as the pool is. Kept until the system itself has answered, however long ago DNS
 * did.
 */
const asked = new Map<string, ReturnType<Resolver>>()

function once(name: string, system: Resolver): ReturnType<Resolver> {
  const earlier = asked.get(name)
  if (earlier) return earlier
  const question = system(name).finally(() => asked.delete(name))
  asked.set(name, question)
  return question
}

/** Loaded for names alone: addresses need no resolver, and a check counts milliseconds. */
const resolvers: Resolvers = {
  system: async (name) => (await import('node:dns/promises')).lookup(name, {all: true}),
  direct(name) {
    const dns = new (process.getBuiltinModule('node:dns').Resolver)({timeout: 1000, tries: 3})
    const ask = (family: 4 | 6) =>
      new Promise<LookupAddress[]>((resolve) => {
        const answer = (error: Error | null, found: string[]) =>
          resolve(error ? [] : found.map((address) => ({address, family})))
        if (family === 4) dns.resolve4(name, answer)
        else dns.resolve6(name, answer)
      })
    return {answer: Promise.all([ask(6), ask(4)]).then((both) => both.flat()), cancel: () => dns.cancel()}
  },
}
