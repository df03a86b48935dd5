import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {start} from '../support/run.ts'

/** `status` 0: no answer. `at`: when it was complete. */
export type Sample = Readonly<{
  at: number
  ms: number
  status: number
  body: string
  headers: Readonly<http.IncomingHttpHeaders>
}>

export interface Daemon extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** Holds its `pgroute66.yml`: a working directory for whoever shall find the daemon by it. */
  readonly folder: string
  ask(path: string): Promise<Sample>
  /** Asks one request after the other over one connection until `isOver`; returns all samples. */
  poll(path: string, isOver: (sample: Sample) => boolean): Promise<readonly Sample[]>
}

/**
 * A real `serve` in a process of its own, with its API on a free port. Resolves when it is ready.
 * `env`: beside the PATH. `launcher`: as of `start`.
 */
export async function startDaemon(
  yaml: string,
  env: Readonly<Record<string, string>> = {},
  launcher: readonly string[] = [],
): Promise<Daemon> {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-bench-'))
  const config = join(folder, 'pgroute66.yml')
  writeFileSync(config, `${yaml}\nbind: 127.0.0.1\nport: 0\nsocket: ${join(folder, 'run.sock')}\nlogformat: json\n`, {
    mode: 0o600,
  })
  const serve = start(['serve', '-c', config], {
    env: {PATH: process.env.PATH ?? '', ...env},
    cwd: folder,
    limitMs: 2 ** 30,
    launcher,
  })
  await serve.sees(/https?:\/\/127\.0\.0\.1:\d+/)
  const url = /https?:\/\/127\.0\.0\.1:\d+/.exec(serve.output())?.[0] ?? ''
  const {Agent, get} = url.startsWith('https') ? https : http
  // Its certificate is signed by itself, and who it is was never in doubt.
  const agent = new Agent({keepAlive: true, maxSockets: 1, rejectUnauthorized: false} as https.AgentOptions)
  const ask = (path: string) =>
    new Promise<Sample>((resolve) => {
      const begun = performance.now()
      const end = (status: number, body: string, headers = {}) =>
        resolve({at: performance.now(), ms: performance.now() - begun, status, body, headers})
      get(url + path, {agent}, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () => end(response.statusCode ?? 0, body, response.headers))
      }).on('error', (error) => end(0, String(error)))
    })
  return {
    url,
    pid: serve.child.pid ?? 0,
    folder,
    ask,
    async poll(path, isOver) {
      const samples: Sample[] = []
      for (;;) {
        const sample = await ask(path)
        samples.push(sample)
        if (isOver(sample)) return samples
      }
    },
    async [Symbol.asyncDispose]() {
      agent.destroy()
      serve.child.kill('SIGTERM')
      await serve.ended
      rmSync(folder, {recursive: true, force: true})
    },
  }
}

/**
 * Resident memory in MB, and CPU seconds used so far: by schedstat, in nanoseconds, because the
 * ticks of `stat` are 10 ms each.
 */
export function usageOf(pid: number): Readonly<{rssMb: number; cpuS: number}> {
  const rss = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const threads = readdirSync(`/proc/${pid}/task`)
  const ns = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  )
  return {rssMb: Number(rss) / 1024, cpuS: ns.reduce((sum, one) => sum + one, 0) / 1e9}
}
