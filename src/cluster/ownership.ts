import type {Instance} from './record.ts'

/**
 * Rendezvous hashing (Thaler and Ravishankar, "A name-based mapping scheme for rendezvous", 1996): each
 * group goes to the instance with the highest score. When an instance comes or goes, only the groups
 * move that it gets or had. By id, so that an instance that starts again gets its groups back.
 */
export function ranked(group: string, instances: readonly Instance[]): readonly Instance[] {
  const scored = instances.map((instance) => ({instance, score: scoreOf(`${instance.id}\n${group}`)}))
  return scored
    .sort((one, other) => other.score - one.score || (one.instance.id < other.instance.id ? -1 : 1))
    .map(({instance}) => instance)
}

/** FNV-1a over UTF-16, then the finalizer of MurmurHash3: both public domain arithmetic. */
export function scoreOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
