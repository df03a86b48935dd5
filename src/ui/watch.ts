import type {SnapshotSource} from '../core/ports.ts'
import {pastChangesOf} from './events/past-changes.ts'
import {printChanges, printOnce} from './events/print.ts'
import {showWatch} from './show.ts'
import {groupNamed} from './table/filter.ts'
import {glyphsFor} from './text/glyphs.ts'
import type {WatchOptions} from './watch-options.ts'

export type WatchRequest = Required<Pick<WatchOptions, 'clock' | 'actions' | 'everyMs'>> &
  Readonly<{
    group?: string | undefined
    /** A line above the verdict. */
    title?: string | undefined
    once: boolean
    json: boolean
    env: NodeJS.ProcessEnv
    stdout: NodeJS.WriteStream
    /** Makes a text harmless for a terminal. */
    plain: (text: string) => string
    signal: AbortSignal
  }>

/**
 * Shows what `source` says, as the reader can see it: printed once, a line per change, or the live
 * table on a terminal. Throws OperatorError where the group is unknown.
 */
export async function watch(source: SnapshotSource, request: WatchRequest): Promise<void> {
  const {clock, env, stdout, plain, once, json, signal: stopped, everyMs, actions, title} = request
  const group = groupNamed(request.group, source.current())
  const write = (line: string) => void stdout.write(`${plain(line)}\n`)
  const printing = {source, clock, write, json, signal: stopped, group}
  if (once) {
    // The first round takes one connect_timeout. After ten seconds watch prints what it has.
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(10_000)])
    // A pipe has no width: a program gets every column.
    return await printOnce({...printing, signal, width: stdout.columns ?? 10_000, glyphs: glyphsFor(env)})
  }
  if (json || !stdout.isTTY || env.TERM === 'dumb') return await printChanges(printing)
  const pastChanges = await pastChangesOf(source)
  await showWatch({
    source,
    clock,
    signal: stopped,
    everyMs,
    group,
    pastChanges,
    actions,
    ...(title !== undefined && {title}),
  })
}
