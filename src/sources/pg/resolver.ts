import type {LookupAddress} from 'node:dns'
import {isIP} from 'node:net'
import type {Clock} from '../../core/ports.ts'
import type {ConnectionSettings} from '../../core/settings.ts'
import {onAbort} from '../../core/wait.ts'
import {isUnix} from './ssl-attempts.ts'

/** Host name -> addresses, in the order in which to try them; rejects with the resolver's error. */
export type Resolver = (name: string) => Promise<readonly LookupAddress[]>

/**
 * Two ways to look up a name. Only an error of `system` counts. `direct` resolves to no addresses
 * instead of rejecting; `cancel` ends it.
 */
export type Resolvers = Readonly<{
  system: Resolver
  direct: (name: string) => {answer: Promise<readonly LookupAddress[]>; cancel: () => void}
}>

/** If the system's resolver has not answered by then, DNS is asked directly as well. */
const timeoutMs = 250

/**
 * The system's resolver (hosts file, nsswitch) decides. But each lookup holds a thread of libuv's
 * pool, and only two lookups may run at once: two names that hang would keep every other host from
 * reconnecting. So:
 * - an address is never looked up;
 * - the system gets one lookup per name at a time: a retry joins the lookup that still hangs;
 * - a lookup that waits is sent to DNS as well, through c-ares, which needs no thread. The addresses
 *   from DNS count. "No such name" from DNS does not count, because c-ares reads neither the hosts
 *   file nor nsswitch.
 * Rejected: more threads (UV_THREADPOOL_SIZE) must be set before node starts, and only move the
 * limit.
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

/** A resolver of one name that keeps the addresses which it found last; where it fails, they stay. */
export function rememberingResolver(resolve: Resolver): Readonly<{resolve: Resolver; latest: () => readonly string[]}> {
  let latest: readonly string[] = []
  return {
    latest: () => latest,
    async resolve(name) {
      const all = await resolve(name)
      const found = all.map(({address}) => address).sort()
      if (found.join() !== latest.join()) latest = found
      return all
    },
  }
}

/** Every address to which the host's name leads now; none: not known, or a unix socket. */
export const addressesOf = async (to: ConnectionSettings, resolve: Resolver, signal: AbortSignal) =>
  isUnix(to) ? [] : addressesNow(resolve, to.hostaddr ?? to.host, signal)

/** The addresses of `name`; none where the resolver fails, or does not answer before `signal` aborts. */
export function addressesNow(resolve: Resolver, name: string, signal: AbortSignal): Promise<readonly string[]> {
  const found = Promise.withResolvers<readonly string[]>()
  const none = () => found.resolve([])
  const forget = onAbort(signal, none)
  resolve(name).then((all) => found.resolve(all.map(({address}) => address)), none)
  return found.promise.finally(forget)
}

/**
 * One map per process, like the thread pool. A lookup stays here until the system has answered, even
 * if DNS answered long before.
 */
const asked = new Map<string, ReturnType<Resolver>>()

function once(name: string, system: Resolver): ReturnType<Resolver> {
  const earlier = asked.get(name)
  if (earlier) return earlier
  const question = system(name).finally(() => asked.delete(name))
  asked.set(name, question)
  return question
}

/** Loads node:dns only for names: addresses need no resolver, and a check counts milliseconds. */
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
