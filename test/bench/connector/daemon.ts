import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {freePorts} from '../../../src/demo/free-ports.ts'
import {type Started, start} from '../../support/run.ts'

/** A real `serve` at one port, which can be ended and started again. */
export interface LastingDaemon extends AsyncDisposable {
  readonly url: string
  start(): Promise<void>
  /** Resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>
}

export async function lastingDaemon(yaml: string): Promise<LastingDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-connector-'))
  const held = await freePorts(1)
  const [port] = held.ports
  const file = join(folder, 'pgroute66.yml')
  writeFileSync(file, `${yaml}\nbind: 127.0.0.1\nport: ${port}\nstate_dir: state\nsocket: run.sock\n`, {mode: 0o600})
  let running: Started | null = null
  const daemon: LastingDaemon = {
    url: `http://127.0.0.1:${port}`,
    async start() {
      running = start(['serve', '-c', file], {cwd: folder, limitMs: 2 ** 30})
      await running.sees('listening')
    },
    async end(signal) {
      running?.child.kill(signal)
      await running?.ended
      running = null
    },
    async [Symbol.asyncDispose]() {
      await daemon.end('SIGKILL')
      await held[Symbol.asyncDispose]()
      rmSync(folder, {recursive: true, force: true})
    },
  }
  await daemon.start()
  return daemon
}
