import type {Clock} from '../core/ports.ts'
import {sleep} from '../core/wait.ts'
import type {Engines} from './engines.ts'
import type {Instance, SetImage} from './record.ts'
import type {Writer} from './writer.ts'

export type HandOver = Readonly<{
  clock: Clock
  engines: Engines
  writer: Writer
  us: () => Instance
  image: () => SetImage
  isValid: () => boolean
  /** Tells the others that this instance is leaving. */
  tell: () => Promise<boolean>
  signal: AbortSignal
}>

const lookMs = 50

/**
 * Before the end: the other instances begin to probe our groups, ask for each, and get it with all that is
 * remembered. Where no instance takes them, the last positions are kept. Never rejects; ends with `signal`.
 */
export async function handOver({clock, engines, writer, us, image, isValid, tell, signal}: HandOver): Promise<void> {
  if (!isValid()) return
  const hasHeirs = () => {
    const {id, configHash} = us()
    return [...image().instances.values()].some(
      (other) => other.id !== id && other.configHash === configHash && !other.isLeaving,
    )
  }
  const owned = () => engines.groups.filter((group) => engines.isOwned(group))
  await tell().catch(() => false)
  while (!signal.aborted && hasHeirs() && owned().length > 0 && isValid()) await sleep(clock, lookMs, signal)
  await writer.flush((group) => engines.engine(group)?.memory ?? null, owned()).catch(() => {})
}
