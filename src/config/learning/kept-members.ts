import {join} from 'node:path'
import {readText, replaceText} from '../../system/durable-file.ts'
import type {LearnedCluster} from './learned.ts'
import {readCluster} from './members.ts'

const pathIn = (stateDir: string) => join(stateDir, 'patroni-members.json')

/** What the daemon has learned before; `null`: nothing, of another Patroni, or not readable. */
export async function keptMembers(stateDir: string | null, urls: readonly string[]): Promise<LearnedCluster | null> {
  if (stateDir === null) return null
  try {
    const kept = Object(JSON.parse((await readText(pathIn(stateDir))) ?? 'null')) as Record<string, unknown>
    return JSON.stringify(kept.urls) === JSON.stringify(urls) ? readCluster(kept) : null
  } catch {
    return null
  }
}

/** For a start while Patroni is away, and for checks, which must not make Patroni read its DCS. */
export const keepMembers = (stateDir: string, urls: readonly string[], cluster: LearnedCluster): Promise<void> =>
  replaceText(pathIn(stateDir), `${JSON.stringify({urls, ...cluster})}\n`)
