import type {WatchOptions} from './watch-options.ts'

const taken = 'qjksgey/+-=? '

/**
 * Shows the hosts of `source` until the reader quits (q, Ctrl-C), `signal` aborts or the process is
 * told to end; then the terminal is as it was. The source stays open: it is the caller's. Needs a
 * terminal (`process.stdout.isTTY`). Ink costs 300 ms to load, so it is loaded here and not above.
 */
export async function showWatch(options: WatchOptions): Promise<void> {
  const clash = options.actions?.find(({key}) => key.length !== 1 || taken.includes(key))
  if (clash) throw new Error(`the key ${JSON.stringify(clash.key)} of the action ${clash.label} is not free`)
  // React decides when it is loaded whether it is the slow one that checks itself.
  process.env.NODE_ENV ??= 'production'
  const {openScreen} = await import('./watch-screen.tsx')
  await openScreen(options)
}
