import {spawnSync} from 'node:child_process'
import {copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {postgresql} from '../lab/postgresql.ts'
import {grpcTools, hasLibraries, lacksLab, libraries, missingParts, openapiTools} from './parts.ts'

/**
 * Before the tests: brings the parts that are missing where it may (root, apt), else names them in
 * one line. It never fails: with CI=true the tests that need a missing part do (`lacks`), so that
 * they are counted.
 */
const wanted = missingParts()
if (wanted.length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get'))
  install(wanted.map(({debian}) => debian))

const missing = missingParts()
if (missing.length > 0) {
  const names = missing.map(({name, debian}) => `${name} (Debian package ${debian})`).join(', ')
  const fate = process.env.CI === 'true' ? 'FAIL' : 'are SKIPPED'
  process.stderr.write(
    `\nMISSING, so the tests that need it ${fate}: ${names}. Install it, or run this as root on Debian 12.\n\n`,
  )
}

for (const {name, folder, isThere} of [openapiTools, grpcTools]) {
  if (isThere()) continue
  mkdirSync(folder, {recursive: true})
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(new URL(`../tools/${name}/${file}`, import.meta.url), join(folder, file))
  if (!npmCi(folder))
    process.stderr.write(`The tools of test/tools/${name} cannot be installed: their tests are SKIPPED.\n`)
}

if (!hasLibraries()) {
  // Prisma's client is generated: without an engine, which it would fetch.
  const env = {...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1'}
  const generate = ['node_modules/prisma/build/index.js', 'generate', '--schema', 'schema.prisma']
  if (
    !npmCi(libraries, '--ignore-scripts', '--omit=optional') ||
    spawnSync(process.execPath, generate, {cwd: libraries, env, stdio: ['ignore', 'ignore', 'inherit']}).status !== 0
  )
    process.stderr.write('The libraries of test/libraries cannot be installed: their tests are SKIPPED.\n')
}

if (lacksLab)
  process.stderr.write(
    '\nNot root, or no /dev/net/tun: the tests on a network of their own (test/lab) are SKIPPED.\n\n',
  )
else
  for (const version of [13, 18] as const)
    await postgresql(version).catch((error) =>
      process.stderr.write(`PostgreSQL ${version} cannot be fetched: ${error}\n`),
    )

function npmCi(cwd: string, ...options: readonly string[]): boolean {
  const args = ['ci', '--no-audit', '--no-fund', ...options]
  return spawnSync('npm', args, {cwd, stdio: ['ignore', 'ignore', 'inherit']}).status === 0
}

function install(packages: readonly string[]): void {
  process.stderr.write(`installing for the tests: ${packages.join(' ')}\n`)
  using _ = withoutServices()
  const isDone = apt('update') && apt('install', ...packages)
  // One name that this release does not know keeps all others from coming.
  if (!isDone && packages.length > 1) for (const name of packages) apt('install', name)
}

function apt(verb: 'update' | 'install', ...packages: readonly string[]): boolean {
  const options = verb === 'install' ? ['-y', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold'] : []
  const {status} = spawnSync('apt-get', [verb, '-qq', '-o', 'DPkg::Lock::Timeout=120', ...options, ...packages], {
    env: {...process.env, DEBIAN_FRONTEND: 'noninteractive'},
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return status === 0
}

/**
 * Debian starts what it installs, and makes a PostgreSQL cluster of its own: the tests bring
 * theirs, and ports stay free.
 */
function withoutServices(): Disposable {
  const clusters = '/etc/postgresql-common/createcluster.conf'
  if (!existsSync(clusters)) {
    mkdirSync('/etc/postgresql-common', {recursive: true})
    writeFileSync(clusters, 'create_main_cluster = false\n')
  }
  // Debian policy, 9.3.3.1: 101 means "not allowed". Whatever is there already is the machine's
  // own.
  const policy = '/usr/sbin/policy-rc.d'
  const isOurs = !existsSync(policy)
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', {mode: 0o755})
  return {
    [Symbol.dispose]() {
      if (isOurs) rmSync(policy, {force: true})
    },
  }
}
