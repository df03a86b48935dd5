import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {expect, test} from 'vitest'

const suspend = new URL('../../src/ui/suspend.ts', import.meta.url).href
const text = `const {stopUntilContinued: stop} = await import('${suspend}'); await stop(); console.log('goes on')`

test('Ctrl-Z where no shell could continue it: the screen goes on', async () => {
  // A session of its own: its process group is an orphan, as below "ssh -t" or in a pane of tmux.
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
    detached: true,
    stdio: ['ignore', 'pipe', 2],
  })
  let said = ''
  child.stdout?.on('data', (chunk) => (said += chunk))
  const [code] = await once(child, 'exit')
  expect([code, said]).toEqual([0, 'goes on\n'])
})
