// Run by terminal.test.ts on a pseudo-terminal: shows a screen from the built code, and ends it in
// the way that its argument says.
import {Stage, torn} from './stage.ts'

const [, , how] = process.argv
// By address, because the types of `dist` are not there before it is built.
const {showWatch} = await import(new URL('../../dist/ui/show.js', import.meta.url).href)
const clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
const abort = new AbortController()
const ends: Record<string, () => void> = {
  abort: () => abort.abort(),
  crash: () => {
    throw new Error('it broke')
  },
  SIGTERM: () => process.kill(process.pid, 'SIGTERM'),
  SIGHUP: () => process.kill(process.pid, 'SIGHUP'),
  SIGINT: () => process.kill(process.pid, 'SIGINT'),
}
// As the entry does: without a listener node prints an error only after `exit`, when Ink has
// already left the screen.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error}\n`)
  process.exit(1)
})
const stage = new Stage(torn())
// Only once the screen is drawn: loading Ink may take long on a busy machine.
const write = process.stdout.write.bind(process.stdout)
let isEnding = false
process.stdout.write = ((chunk: string, ...rest: []) => {
  // Once: by a second signal the handlers are gone, and the signal would end the process.
  if (chunk.includes('SPLIT BRAIN') && !isEnding) {
    isEnding = true
    setTimeout(() => ends[how ?? '']?.(), 100)
  }
  return write(chunk, ...rest)
}) as typeof process.stdout.write
await showWatch({source: stage, clock, signal: abort.signal})
process.stdout.write(`left, ${stage.listening} listening\n`)
