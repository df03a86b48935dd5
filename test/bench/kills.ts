import {spawnSync} from 'node:child_process'
import {readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {removeLeftovers, writeGates} from '../../src/actuators/guard/hba-file.ts'
import {type GateRules, shut} from '../../src/core/node/guard-settings.ts'
import {startTestCluster} from '../support/cluster.ts'
import {type AfterKill, killAndReturn, startKillStage} from '../support/rejoin-kills.ts'
import type {Options, Row} from './table.ts'
import {hasTool, ToolMissing} from './tool.ts'

/** Everything that changes a file system, or what another process sees. */
const changing = [
  ...['rename', 'renameat2', 'unlink', 'unlinkat', 'rmdir', 'mkdir', 'mkdirat', 'link', 'symlink', 'bind'],
  ...['fsync', 'fdatasync', 'ftruncate', 'pwrite64', 'copy_file_range', 'sendfile', 'fallocate'],
  ...['fchmod', 'chmod', 'fchown', 'chown', 'lchown', 'fsetxattr', 'utimensat'],
]

/**
 * `kill -9` of rejoin, and of the guard while it writes a deny, at each system call that changes something. After
 * each, PostgreSQL starts right or not at all, a rerun finishes or says what to do, and no WAL is lost.
 */
export async function run({short}: Options): Promise<readonly Row[]> {
  if (!hasTool('strace')) throw new ToolMissing('strace', 'strace')
  const calls = short ? ['rename', 'unlink'] : changing
  const row = (figure: string, measured: string, met: boolean | null = null): Row => ({
    ...{figure, measured, target: '', met},
    comparison: '',
  })
  const guard = await killGuard(calls)
  const rejoin = await killRejoin(calls)
  return [
    row('guard: kills; the old file, the new file', `${guard.old + guard.new}; ${guard.old}, ${guard.new}`),
    row('guard: files that PostgreSQL does not read', `${guard.broken}`, guard.broken === 0),
    row('rejoin: kills', `${rejoin.rerun + rejoin.clone}`),
    row('rejoin: a rerun finished', `${rejoin.rerun}`),
    row('rejoin: a rerun asked for --clone, which finished', `${rejoin.clone}`),
    row('rejoin: neither, or WAL lost', `${rejoin.failed.length}`, rejoin.failed.length === 0),
    ...rejoin.failed.map((text) => row('', text)),
  ]
}

async function killRejoin(calls: readonly string[]) {
  const stage = await startKillStage()
  const counts: Record<AfterKill, number> & {failed: string[]} = {over: 0, rerun: 0, clone: 0, failed: []}
  try {
    for (const call of calls)
      for (let nth = 1; ; nth += 1) {
        try {
          const came = await killAndReturn(stage, {call, nth})
          counts[came] += 1
          if (came === 'over') break
          console.log(`  rejoin, ${call} ${nth}: ${came}`)
        } catch (error) {
          counts.failed.push((error as Error).message)
          console.log(`  rejoin, ${(error as Error).message}`)
        }
      }
  } finally {
    await stage.stage[Symbol.asyncDispose]()
  }
  return counts
}

const rules: GateRules = {
  databases: ['all'],
  readWrite: ['app'],
  readOnly: [],
  addresses: ['127.0.0.1/32'],
  allow: 'trust',
  deny: 'reject',
}
const module = new URL('../../src/actuators/guard/hba-file.ts', import.meta.url).href
const code = `const {writeDeny} = await import('${module}'); await writeDeny(process.argv[1], ${JSON.stringify(rules)})`

async function killGuard(calls: readonly string[]) {
  await using cluster = await startTestCluster({nodes: 1})
  const node = cluster.node('host1')
  const path = join(node.data, 'pg_hba.conf')
  await writeGates(path, rules, {readWrite: 'allow', readOnly: 'allow'})
  const before = readFileSync(path, 'utf8')
  await writeGates(path, rules, shut)
  const after = readFileSync(path, 'utf8')
  const names = readdirSync(dirname(path)).length
  const counts = {old: 0, new: 0, broken: 0}
  for (const call of calls)
    for (let nth = 1; ; nth += 1) {
      writeFileSync(path, before)
      const inject = `inject=${call}:signal=SIGKILL:when=${nth}`
      const argv = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject, '--']
      const program = [process.execPath, '--input-type=module', '-e', code, path]
      const {status, signal} = spawnSync('strace', [...argv, ...program], {
        env: {...process.env, UV_THREADPOOL_SIZE: '1'},
      })
      if (signal !== 'SIGKILL' && status !== 137) break
      const text = readFileSync(path, 'utf8')
      if (text === before || text === after) counts[text === after ? 'new' : 'old'] += 1
      const [{bad}] = (await node.sql(
        'select count(*) filter (where error is not null)::int as bad from pg_hba_file_rules',
      )) as [{bad: number}]
      await removeLeftovers(path)
      const isClean = readdirSync(dirname(path)).length === names
      if (bad > 0 || !isClean || (text !== before && text !== after)) counts.broken += 1
      console.log(`  guard, ${call} ${nth}: ${text === after ? 'the new file' : 'the old file'}`)
    }
  return counts
}
