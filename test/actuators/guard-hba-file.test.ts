import {spawnSync} from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {readBlock, removeLeftovers, writeDeny, writeGates} from '../../src/actuators/guard/hba-file.ts'
import {type GateRules, type Gates, shut} from '../../src/core/node/guard-settings.ts'

const rules: GateRules = {
  databases: ['all'],
  readWrite: ['app'],
  readOnly: ['reports'],
  addresses: ['10.0.0.0/8'],
  allow: 'scram-sha-256',
  deny: 'reject',
}
const open: Gates = {readWrite: 'allow', readOnly: 'allow'}
const site = 'local all postgres peer\n'
const isRoot = process.getuid?.() === 0

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pgroute66-guard-'))
  path = join(folder, 'pg_hba.conf')
  writeFileSync(path, site, {mode: 0o640})
})
afterEach(() => rmSync(folder, {recursive: true, force: true}))
const text = () => readFileSync(path, 'utf8')

test('deny and allow are written, and the rest stays', async () => {
  expect(await writeDeny(path, rules)).toMatchObject({kind: 'written', isInPlace: false})
  expect(text()).toMatch(/^# pgroute66 guard: begin.*\nhost {2}all {2}app {2}10\.0\.0\.0\/8 {2}reject/)
  expect(text().endsWith(site)).toBe(true)
  expect(await writeDeny(path, rules)).toEqual({kind: 'same'})
  await writeGates(path, rules, open)
  expect(text()).toContain('host  all  app  10.0.0.0/8  scram-sha-256')
  expect(await readBlock(path)).toMatchObject({kind: 'block', start: 0, lines: {first: 1, last: 4}})
  expect(readdirSync(folder)).toEqual(['pg_hba.conf'])
})

test('mode and owner stay, and a symlink stays one', async () => {
  const behind = join(folder, 'behind')
  mkdirSync(behind)
  const real = join(behind, 'hba')
  writeFileSync(real, site)
  chmodSync(real, 0o604)
  if (isRoot) spawnSync('chown', ['65534:65534', real])
  const owner = statSync(real).uid
  rmSync(path)
  symlinkSync(real, path)
  await writeDeny(path, rules)
  expect(lstatSync(path).isSymbolicLink()).toBe(true)
  expect(statSync(real).mode & 0o777).toBe(0o604)
  expect(statSync(real).uid).toBe(owner)
  expect(readFileSync(real, 'utf8')).toContain('reject')
})

test('extended attributes stay', async ({skip}) => {
  const attribute = ['-n', 'user.pgroute66', '-v', 'kept', path]
  if (spawnSync('setfattr', attribute).status !== 0) skip('no setfattr, or a file system without attributes')
  await writeDeny(path, rules)
  expect(spawnSync('getfattr', ['-n', 'user.pgroute66', path], {encoding: 'utf8'}).stdout).toContain('kept')
})

test('a name that is swapped meanwhile leads cp to no other file', async () => {
  const victim = join(folder, 'victim')
  writeFileSync(victim, 'of another owner', {mode: 0o600})
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const swap = `for name in ${path}.pgroute66-*; do rm "$name"; ln -s ${victim} "$name"; done`
  writeFileSync(join(bin, 'cp'), `#!/bin/sh\n${swap}\nexec /bin/cp "$@"\n`, {mode: 0o755})
  const {PATH = ''} = process.env
  try {
    process.env.PATH = `${bin}:${PATH}`
    await writeDeny(path, rules)
  } finally {
    process.env.PATH = PATH
  }
  expect(readFileSync(victim, 'utf8')).toBe('of another owner')
})

describe('the old file is intact, and the failure says what to do', () => {
  test('two names of one file', async () => {
    linkSync(path, join(folder, 'other'))
    const written = await writeDeny(path, rules)
    expect(written).toMatchObject({kind: 'failed', why: 'has 2 names (hard links)'})
    expect(text()).toBe(site)
  })
  test('no file', async () => {
    rmSync(path)
    expect(await writeDeny(path, rules)).toMatchObject({kind: 'failed', next: expect.stringContaining('hba_file')})
    expect(existsSync(path)).toBe(false)
  })
  test('a folder in its place', async () => {
    expect(await writeDeny(folder, rules)).toMatchObject({kind: 'failed', why: 'is not a plain file'})
  })
  test('markers that make no block', async () => {
    writeFileSync(path, `# pgroute66 guard: begin\n${site}`)
    expect(await writeDeny(path, rules)).toMatchObject({kind: 'failed', why: expect.stringContaining('lines 1')})
    expect(text()).toBe(`# pgroute66 guard: begin\n${site}`)
  })
})

test('temporary files of killed runs go, and those of living processes stay', async () => {
  const dead = spawnSync('true').pid
  writeFileSync(`${path}.pgroute66-${dead}`, '')
  writeFileSync(`${path}.pgroute66-${process.ppid}`, '')
  await removeLeftovers(path)
  expect(readdirSync(folder).sort()).toEqual(['pg_hba.conf', `pg_hba.conf.pgroute66-${process.ppid}`])
})

describe.skipIf(!isRoot)('on a file system of its own', () => {
  const mounted = async (options: string, run: () => Promise<void>) => {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status !== 0) return
    try {
      await run()
    } finally {
      spawnSync('umount', ['-l', folder])
    }
  }

  test('a full disk: deny is written in place, over an allow of the same length', async () => {
    await mounted('size=64k', async () => {
      writeFileSync(path, site)
      await writeGates(path, rules, open)
      spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'filler')}`, 'bs=4k', 'count=64'])
      const before = text()
      expect(await writeDeny(path, rules)).toMatchObject({kind: 'written', isInPlace: true})
      expect(await readBlock(path)).toMatchObject({text: expect.stringContaining('reject')})
      expect(text()).toHaveLength(before.length)
      expect(readdirSync(folder).sort()).toEqual(['filler', 'pg_hba.conf'])
    })
  })

  test('a file system that is read-only: told, and the old file is intact', async () => {
    await mounted('size=64k', async () => {
      writeFileSync(path, site)
      await writeGates(path, rules, open)
      const before = text()
      spawnSync('mount', ['-o', 'remount,ro', folder])
      const written = await writeGates(path, rules, shut)
      expect(written).toMatchObject({kind: 'failed', why: 'is on a file system that is read-only (EROFS)'})
      expect(text()).toBe(before)
    })
  })
})
