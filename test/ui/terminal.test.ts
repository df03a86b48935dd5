import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {expect, test} from 'vitest'

const child = fileURLToPath(new URL('on-terminal.ts', import.meta.url))
const built = existsSync(fileURLToPath(new URL('../../dist/ui/show.js', import.meta.url)))
const script = existsSync('/usr/bin/script')

/**
 * Runs it on a terminal of its own (util-linux's script), then asks that terminal how it was left.
 */
async function onTerminal(how: string): Promise<string> {
  const command = `stty rows 24 cols 80; ${process.execPath} ${child} ${how}; echo "exit $?"; stty -a`
  const env = {PATH: process.env.PATH, TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/sh'}
  const {stdout} = await promisify(execFile)('script', ['-qec', command, '/dev/null'], {env, timeout: 55_000})
  return stdout
}

test.skipIf(!built || !script).each(['abort', 'SIGTERM', 'SIGHUP', 'SIGINT', 'crash'])(
  'the terminal is restored after: %s',
  async (how) => {
    const output = await onTerminal(how)
    const left = output.lastIndexOf('\u001b[?1049l')
    expect(output).toContain('SPLIT BRAIN')
    expect(left).toBeGreaterThan(output.indexOf('\u001b[?1049h'))
    expect(output.lastIndexOf('\u001b[?25h')).toBeGreaterThan(output.lastIndexOf('\u001b[?25l'))
    const after = output.slice(left)
    expect(after).toMatch(/[^-]icanon/)
    expect(after).toMatch(/[^-]echo /)
    // On the screen that stays, and not on the one that has just been left.
    expect(after).toContain(how === 'crash' ? 'Error: it broke' : 'left, 0 listening')
    expect(after).toContain(how === 'crash' ? 'exit 1' : 'exit 0')
  },
)
