import type {WatchOptions} from './watch-options.ts'

const taken = 'qjksgeyr/+-=? '

/**
 * Shows the hosts of `source` until the reader quits (q, Ctrl-C), `signal` aborts or the process
 * gets a signal to end; then the terminal is restored. The caller keeps the source. Needs a terminal
 * (`process.stdout.isTTY`). Ink takes 300 ms to load, so it is imported here and not at the top.
 */
export async function showWatch(options: WatchOptions): Promise<void> {
  const clash = options.actions?.find(({key}) => key.length !== 1 || taken.includes(key))
  if (clash) throw new Error(`the key ${JSON.stringify(clash.key)} of the action ${clash.label} is taken by the screen`)
  // React reads NODE_ENV when it loads; without it React is the slow development build.
  process.env.NODE_ENV ??= 'production'
  const {openScreen} = await import('./watch-screen.tsx')
  await openScreen(options)
}
