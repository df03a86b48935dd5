import {execFile} from 'node:child_process'
import {cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {beforeAll, describe, expect, test} from 'vitest'
import {connectorPackage} from '../../packaging/connector.ts'
import {testCluster} from '../support/cluster.ts'
import {lacksLibraries, libraries} from '../support/parts.ts'
import {configOf} from './callers.ts'

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)
const ends = {timeout: 120_000, killSignal: 'SIGKILL'} as const
const folder = join(mkdtempSync(join(tmpdir(), 'pgroute66-package-')), 'connector')
beforeAll(() => connectorPackage(folder))

describe('@pgroute66/connector', () => {
  test('needs three packages and the driver of the application, and holds no command', () => {
    const {dependencies, peerDependencies} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    expect(Object.keys(dependencies)).toEqual(['eventsource-parser', 'js-yaml', 'undici'])
    expect(Object.keys(peerDependencies)).toEqual(['pg', '@types/pg'])
    const rooms = readdirSync(join(folder, 'dist')).toSorted()
    expect(rooms.filter((room) => ['api', 'commands', 'demo', 'ui'].includes(room))).toEqual([])
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain("import {connect} from '@pgroute66/connector'")
  })

  test.skipIf(lacksLibraries).each(['pg', 'pg-oldest'])('runs with %s on real servers', async (driver) => {
    const app = applicationWith(join(libraries, 'node_modules', driver))
    const cluster = await testCluster({scram: true})
    const script = `
      import {connect} from '@pgroute66/connector'
      import pg from 'pg'
      const connection = {user: 'pgroute66', password: 'pgroute66', database: 'postgres'}
      const databases = {default: {connection, read: {wait: '60s'}, write: {wait: '60s'}}}
      const connector = await connect({config: ${JSON.stringify(configOf(cluster))}, databases, patience: '60s'})
      const db = connector.use()
      const {token} = await db.write('create temporary table t (a int)', [], {token: true})
      const {rows, host} = await db.read('select $1::int as a', [42], {after: token})
      const pool = await db.reader.query('select 1')
      console.log(rows[0].a, host.slice(0, 4), pool.rowCount, db.writer instanceof pg.Pool)
      await connector.close()`
    writeFileSync(join(app, 'app.mjs'), script)
    const {stdout, stderr} = await run(process.execPath, ['app.mjs'], {cwd: app, ...ends})
    expect([stdout, stderr]).toEqual(['42 host 1 true\n', ''])
  })

  test.skipIf(lacksLibraries)('its types resolve, and its manifest has no fault: attw and publint', async () => {
    const place = mkdtempSync(join(tmpdir(), 'pgroute66-pack-'))
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', place], {cwd: folder, ...ends})
    const [tarball = ''] = readdirSync(place)
    const tool = (name: string, ...args: string[]) =>
      run(join(libraries, 'node_modules', '.bin', name), args, {cwd: place, ...ends})
    const types = await tool('attw', tarball, '--profile', 'esm-only', '--format', 'json')
    expect(JSON.parse(types.stdout).analysis.types).toEqual({kind: 'included'})
    await tool('publint', 'run', tarball, '--strict')
  })
})

/** An application that has this driver, and the package with what it depends on. */
function applicationWith(driver: string): string {
  const app = mkdtempSync(join(tmpdir(), 'pgroute66-app-'))
  const modules = join(app, 'node_modules')
  mkdirSync(join(modules, '@pgroute66'), {recursive: true})
  // Copied, so that the package finds the driver of the application, and not the one of this repository.
  const own = join(modules, '@pgroute66', 'connector')
  cpSync(folder, own, {recursive: true})
  const {dependencies} = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  symlinkSync(driver, join(modules, 'pg'))
  return app
}
