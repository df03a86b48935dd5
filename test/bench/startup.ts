import {execFile, execFileSync} from 'node:child_process'
import {chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {type Cluster, caOf, debian, hasDebian, hostsYaml, startTestCluster} from '../support/cluster.ts'
import {hasHaproxy} from '../support/haproxy.ts'
import {checkLoad, frozenUnderHaproxy} from './check-load.ts'
import {startDaemon} from './daemon.ts'
import {median, ms, type Options, type Row} from './table.ts'
import {hasTool, ToolMissing} from './tool.ts'

const execute = promisify(execFile)
type Timed = Readonly<{wallMs: number; cpuMs: number}>
type Commands = Readonly<Record<string, readonly string[]>>

/**
 * The executable, started again and again, in turns with bare node and with the scripts that it
 * replaces.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  if (!hasTool('hyperfine')) throw new ToolMissing('hyperfine', 'hyperfine')
  if (!hasDebian) throw new ToolMissing('PostgreSQL 15', 'postgresql-15')
  if (!hasHaproxy) throw new ToolMissing('haproxy', 'haproxy')
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-startup-'))
  using _ = {[Symbol.dispose]: () => rmSync(folder, {recursive: true, force: true})}
  // HAProxy starts checks as a user of its own.
  chmodSync(folder, 0o755)
  const exe = join(folder, 'pgroute66')
  execFileSync(process.execPath, [fileURLToPath(new URL('../../packaging/exe/build.ts', import.meta.url)), exe])
  const node = join(folder, 'node')
  execFileSync('strip', [
    '-o',
    node,
    join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node'),
  ])
  execFileSync('sync', [exe, node])

  await using cluster = await startTestCluster({tls: true, scram: true})
  const yaml = hostsYaml(cluster, `, sslmode: verify-full, sslrootcert: ${caOf(cluster)}`)
  await using daemon = await startDaemon(yaml)
  const config = join(folder, 'direct.yml')
  writeFileSync(config, `${yaml}\n`, {mode: 0o600})
  const scripts = scriptsIn(folder, cluster, daemon.url)
  const socket = join(daemon.folder, 'run.sock')
  const commands: Commands = {
    bare: [node, '-e', '0'],
    check: [exe, 'check', 'host1'],
    group: [exe, 'check'],
    version: [exe, '--version'],
    direct: [exe, 'check', '--direct', '-c', config],
    psql: [scripts.psql],
    psql3: [scripts.psql3],
    curl: [scripts.curl],
  }
  const env = {PATH: '/usr/bin:/bin', PGROUTE66_SOCKET: socket}
  const times = await inTurns(commands, {rounds: short ? 20 : 100, env, files: [exe, node]})
  const load = {exe, cluster, daemon, psql: scripts.check, seconds: short ? 10 : 30}
  return [
    ...startRows(times),
    ...(await sizeRows(exe)),
    ...(await checkLoad(load)),
    ...(await frozenUnderHaproxy(load)),
  ]
}

/**
 * From the disk, as after a boot. The kernel keeps a file in pages as large as the reads and writes
 * that brought it into memory, and whoever is started from small ones starts up to a third later.
 */
function readAnew(files: readonly string[]): void {
  for (const file of files) execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'])
  for (const file of files) readFileSync(file)
}

function startRows(times: Readonly<Record<string, readonly Timed[]>>): readonly Row[] {
  const of = (name: string, key: keyof Timed) => median((times[name] ?? []).map((one) => one[key]))
  // Round by round: what disturbs one disturbs all commands of its round.
  const ratio = (name: string) =>
    median((times[name] ?? []).map((one, round) => one.wallMs / (times.bare?.[round]?.wallMs ?? Number.NaN)))
  const both = (name: string) => `${ms(of(name, 'wallMs'))}, CPU ${ms(of(name, 'cpuMs'))}`
  const row = (figure: string, name: string, limit: number, comparison: string, isMet = true): Row => ({
    figure: `executable, ${figure}`,
    measured: `${both(name)}: ${ratio(name).toFixed(2)} × bare`,
    target: `≤ ${limit} × bare node of the same binary`,
    comparison: `bare: ${both('bare')}${comparison}`,
    met: ratio(name) <= limit && isMet,
  })
  const isCheaper = of('check', 'wallMs') < of('psql', 'wallMs') && of('check', 'cpuMs') < of('psql', 'cpuMs')
  return [
    row(
      'check answered by the daemon',
      'check',
      1.25,
      `; bash + Debian's psql: ${both('psql')} (and PostgreSQL's); bash + curl: ${both('curl')}`,
      isCheaper,
    ),
    row('check of the whole group, answered by the daemon', 'group', 1.3, ''),
    row('check --direct of three nodes, scram + TLS', 'direct', 3, `; three psql at once: ${both('psql3')}`),
    row('--version', 'version', 2.5, ''),
  ]
}

async function sizeRows(exe: string): Promise<readonly Row[]> {
  const size = statSync(exe).size / 1e6
  const {stdout} = await execute('sh', ['-c', `xz -6 -T2 -c ${exe} | wc -c`])
  const packed = Number(stdout) / 1e6
  return [
    {
      figure: 'executable, size; as xz',
      measured: `${size.toFixed(0)} MB; ${packed.toFixed(0)} MB`,
      target: '≤ 130 MB; ≤ 36 MB',
      comparison: '',
      met: size <= 130 && packed <= 36,
    },
  ]
}

/** What people have today: a shell, and a client. `check` takes HAProxy's four arguments. */
function scriptsIn(folder: string, {nodes, ...cluster}: Cluster, url: string) {
  const script = (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, `#!/bin/bash\n${text}\n`, {mode: 0o755})
    return path
  }
  const ca = caOf({nodes, ...cluster} as Cluster)
  // Debian's `psql` is a wrapper in Perl, and what a script calls.
  const ask = (psql: string, host: string, port: string | number) =>
    `PGPASSWORD=pgroute66 ${psql} "host=${host} port=${port} user=pgroute66 dbname=postgres ` +
    `sslmode=verify-full sslrootcert=${ca}" -Atc 'select pg_is_in_recovery()'`
  const [first] = nodes
  return {
    psql: script('psql.sh', `[ "$(${ask('psql', '127.0.0.1', first?.port ?? 0)})" = f ]`),
    psql3: script(
      'psql3.sh',
      `${nodes.map(({port}) => `${ask(`${debian}/psql`, '127.0.0.1', port)} &`).join('\n')}\nwait`,
    ),
    curl: script('curl.sh', `curl -s ${url}/v1/primary | grep -q '"host1"'`),
    check: script('check.sh', `export PATH=/usr/bin:/bin\n[ "$(${ask('psql', '$3', '$4')})" = f ]`),
  }
}

type Turns = Readonly<{rounds: number; env: Readonly<Record<string, string>>; files: readonly string[]}>

/**
 * Each command once in every round, by hyperfine, in an order by chance: a check comes once a
 * second, after other programs, and finds the processor's caches as these have left them. The files
 * are read anew before every tenth round, because no two times lie alike.
 */
async function inTurns(commands: Commands, {rounds, env, files}: Turns) {
  const found: Record<string, Timed[]> = {}
  const file = join(mkdtempSync(join(tmpdir(), 'pgroute66-times-')), 'times.json')
  for (let round = 0; round < rounds; round += 1) {
    const turns = Object.entries(commands)
      .map(([name, command]) => ({name, words: command.join(' '), turn: Math.random()}))
      .toSorted((one, other) => one.turn - other.turn)
    if (round % 10 === 0) readAnew(files)
    // By itself it starts no shell, and counts what its children's children use.
    await execute('hyperfine', ['-N', '-i', '-r', '1', '--export-json', file, ...turns.map(({words}) => words)], {env})
    const {results} = JSON.parse(readFileSync(file, 'utf8')) as {
      results: {median: number; user: number; system: number}[]
    }
    turns.forEach(({name}, index) => {
      const {median: wall = Number.NaN, user = 0, system = 0} = results[index] ?? {}
      found[name] ??= []
      found[name].push({wallMs: wall * 1000, cpuMs: (user + system) * 1000})
    })
  }
  rmSync(dirname(file), {recursive: true, force: true})
  return found
}
