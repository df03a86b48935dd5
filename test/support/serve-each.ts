// Run as a child process by serve-refusals.test.ts: `serve` on one file after the other, in one process.
// Tells of each whether it was refused; ends at the first one that begins to serve.
import {dirname} from 'node:path'

const {serve} = await import(new URL('../../dist/app/serve/serve.js', import.meta.url).href)

for (const config of process.argv.slice(2)) {
  const folder = dirname(config)
  const env = {env: {HOME: folder, PATH: process.env.PATH}, cwd: folder, version: '0.0.0'}
  // `serve` takes SIGHUP twice: until it has begun, and once it has.
  const signals = process.listenerCount('SIGHUP')
  const refused = serve({config, dsns: [], dryRun: false}, env).then(
    () => null,
    (error: {code?: string; message: string}) => ({code: error.code ?? 'BUG', message: error.message}),
  )
  let outcome = null
  do {
    outcome = await Promise.race([refused, new Promise<'wait'>((resolve) => setTimeout(() => resolve('wait'), 20))])
  } while (outcome === 'wait' && process.listenerCount('SIGHUP') <= signals + 1)
  const hasBegun = outcome === 'wait'
  await new Promise((resolve) => process.send?.({config, refused: hasBegun ? null : outcome}, resolve))
  if (hasBegun) process.exit()
}
process.exit()
