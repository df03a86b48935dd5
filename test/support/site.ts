import {once} from 'node:events'
import {mkdtemp, writeFile} from 'node:fs/promises'
import {type AddressInfo, createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {onTestFinished} from 'vitest'
import {type Cluster, hostsYaml, type PgNode, testCluster, until} from './cluster.ts'
import {run, start} from './run.ts'

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const {port} = server.address() as AddressInfo
  server.close()
  return port
}

/** A running `serve` over three streaming nodes, in a folder of its own. */
export async function site(more: (folder: string, cluster: Cluster) => string | Promise<string> = () => '') {
  const cluster = await testCluster()
  const [host1, host2, host3] = cluster.nodes as readonly [PgNode, PgNode, PgNode]
  await until(async () => (await host1.sql("select from pg_stat_replication where state = 'streaming'")).length === 2)
  const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-serve-'))
  const port = await freePort()
  // A probe's own 1 s would be a test of this machine's speed, and so would the 2 s of a check: its
  // limit is a flag below, because one in the file holds only once the file has been read.
  const limits = 'probe: {timeout: 3s, max_age: 6s}'
  const text = `${hostsYaml(cluster)}\nport: ${port}\nstate_dir: state\n${limits}\n${await more(cwd, cluster)}\n`
  const file = join(cwd, 'pgroute66.yml')
  await writeFile(file, text, {mode: 0o600})
  const serve = start(['pgroute66.yml'], {cwd, limitMs: 180_000})
  onTestFinished(() => void serve.child.kill('SIGKILL'))
  await serve.sees('listening')
  const asks =
    (command: string) =>
    (...args: string[]) =>
      run([command, ...args], {cwd, env: {USER: 'anna'}})
  return {
    cluster,
    cwd,
    port,
    file,
    text,
    serve,
    host1,
    host2,
    host3,
    asks,
    check: (...args: string[]) => asks('check')('--timeout', '20s', ...args),
    accept: asks('accept'),
  }
}
