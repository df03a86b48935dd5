import {execFileSync} from 'node:child_process'
import {existsSync, mkdirSync, writeFileSync} from 'node:fs'
import {missingParts} from './parts.ts'

/**
 * Before the tests: brings the parts that are missing where it may (root, apt), else names them in one line. With CI=true a missing part fails.
 */
const wanted = missingParts()
if (wanted.length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) install(wanted.map(({debian}) => debian))

const missing = missingParts()
if (missing.length > 0) {
  const names = missing.map(({name, debian}) => `${name} (Debian package ${debian})`).join(', ')
  process.stderr.write(`\nMISSING, so the tests that need it are SKIPPED: ${names}. Install it, or run this as root on Debian.\n\n`)
  if (process.env.CI === 'true') process.exit(1)
}

function install(packages: readonly string[]): void {
  process.stderr.write(`installing for the tests: ${packages.join(' ')}\n`)
  // Debian starts a server of its own with the package, and services for the others: the tests start theirs.
  if (!existsSync('/etc/postgresql-common/createcluster.conf')) {
    mkdirSync('/etc/postgresql-common', {recursive: true})
    writeFileSync('/etc/postgresql-common/createcluster.conf', 'create_main_cluster = false\n')
  }
  const env = {...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1'}
  try {
    execFileSync('apt-get', ['update', '-qq'], {env, stdio: ['ignore', 'ignore', 'inherit']})
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', ...packages], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } catch {
    process.stderr.write('apt-get did not succeed; see above\n')
  }
}
