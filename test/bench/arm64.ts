import {execFileSync, spawnSync} from 'node:child_process'
import {mkdtempSync, rmSync, statSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {commandOf, runtimeFor} from '../../packaging/exe/runtime.ts'
import {startFakes} from '../support/fake-postgres.ts'
import type {Row} from './table.ts'

const packaging = join(import.meta.dirname, '..', '..', 'packaging')

/**
 * Builds the executable and both kinds of packages for arm64, unpacks each, and runs what is in it
 * under qemu. Throws where one of them does not do what it does on amd64.
 */
export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'pgroute66-arm64-'))
  const build = (...args: string[]) =>
    execFileSync(process.execPath, args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 64e6})
  try {
    const executable = join(folder, 'pgroute66')
    const before = performance.now()
    build(join(packaging, 'exe', 'build.ts'), executable, 'arm64')
    const seconds = (performance.now() - before) / 1000
    const debs = build(join(packaging, 'packages', 'deb.ts'), executable, folder, 'arm64', 'quick')
      .trim()
      .split('\n')
    const rpms = build(join(packaging, 'packages', 'rpm.ts'), executable, folder, 'arm64', 'quick')
      .trim()
      .split('\n')
    execFileSync('dpkg-deb', ['--extract', debs[0] ?? '', join(folder, 'deb')])
    // `rpm2cpio` and `cpio` are what unpacks a package of another architecture.
    execFileSync('sh', ['-ec', `mkdir "$1/rpm"; cd "$1/rpm"; rpm2cpio "$0" | cpio -idm --quiet`, rpms[0] ?? '', folder])
    const rows = await Promise.all(['deb', 'rpm'].map((kind) => tried(join(folder, kind, 'usr/bin/pgroute66'), kind)))
    const size = `${(statSync(executable).size / 1e6).toFixed(0)} MB`
    const figure = 'the executable for arm64: size, and time to build it under qemu'
    return [{figure, measured: `${size}, ${seconds.toFixed(0)} s`, target: '', comparison: '', met: null}, ...rows]
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}

/** Version, the code cache, and a check of three servers at wire level, which sees the primary. */
async function tried(program: string, kind: string): Promise<Row> {
  const servers = await startFakes(3)
  try {
    const hosts = servers.ports.map((port) => `127.0.0.1:${port}`).join(',')
    const runtime = runtimeFor('arm64')
    const run = (...args: string[]) =>
      spawnSync(...commandOf(runtime, program, args), {
        encoding: 'utf8',
        env: {PATH: process.env.PATH, PGROUTE66_DEBUG: '1'},
      })
    const version = run('--version')
    const check = run('check', '--direct', '--timeout', '60s', `postgres://pgroute66@${hosts}/postgres?sslmode=disable`)
    const isRight =
      version.stdout.includes('linux-arm64') && check.status === 0 && check.stdout.includes('is the only primary')
    if (!isRight)
      throw new Error(`${kind}: ${JSON.stringify([version.stdout, check.status, check.stdout, check.stderr])}`)
    const refused = `${version.stderr}${check.stderr}`.match(/code cache of \S+ is refused/g)?.length ?? 0
    return {
      figure: `arm64, ${kind}: the program runs, and uses its code cache`,
      measured: `${version.stdout.trim()}; ${refused} scripts without it`,
      target: '0 scripts',
      comparison: '',
      met: refused === 0,
    }
  } finally {
    servers.stop()
  }
}
