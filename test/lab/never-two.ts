import type {LabServe} from './serve.ts'

/** A router, and the servers to which it sends writes now. */
type Router = Readonly<{name: string; writers(): Promise<readonly string[]>}>

/** How often two routers were looked at, and each look that saw two writers. */
export type Looks = Readonly<{looks: number; found: readonly string[]}>

/**
 * Looks at two routers without a pause, until the returned function is called. Two writers: one router
 * sends writes to one host before and after the other was seen to send them to another one.
 */
export function watchWriters([one, other]: readonly [Router, Router]): () => Promise<Looks> {
  const found: string[] = []
  let [looks, isOver] = [0, false]
  const look = async () => {
    while (!isOver) {
      const [before, between, after] = [await one.writers(), await other.writers(), await one.writers()]
      // A router that does not answer shows no writer: that is no look.
      if (before.length > 0 || between.length > 0) looks += 1
      const [writer] = before
      if (before.length > 1 || between.length > 1) found.push(`${before} and ${between}`)
      if (writer !== undefined && after[0] === writer && between[0] !== undefined && between[0] !== writer)
        found.push(`${one.name} to ${writer} beside ${other.name} to ${between[0]}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const looking = look()
  return async () => {
    isOver = true
    await looking
    return {looks, found}
  }
}

/** The moments at which the daemons, taken together, routed to more than one host, by their own change logs. */
export async function doubleRoutes(daemons: Readonly<Record<string, LabServe>>): Promise<readonly string[]> {
  const logs = await Promise.all(
    Object.entries(daemons).map(async ([name, daemon]) => {
      const {changes} = JSON.parse((await daemon.get('/v1/changes')) ?? '{}')
      return (changes as readonly Record<string, unknown>[])
        .filter(({kind}) => kind === 'verdict')
        .map(
          (change) => ({...change, daemon: name}) as unknown as {daemon: string; at: string; to: string; host: string},
        )
    }),
  )
  const routes = new Map<string, string>()
  const found: string[] = []
  for (const {daemon, at, to, host} of logs.flat().sort((one, other) => one.at.localeCompare(other.at))) {
    if (to === 'primary') routes.set(daemon, host)
    else routes.delete(daemon)
    if (new Set(routes.values()).size > 1) found.push(`${at} ${JSON.stringify([...routes])}`)
  }
  return found
}
