import {execFileSync} from 'node:child_process'
import {chmodSync, mkdirSync, mkdtempSync, writeFileSync} from 'node:fs'
import {createServer, type Server} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {presentError} from '../../src/app/cli/error-output.ts'
import {reportOf} from '../../src/app/cli/error-report.ts'
import {startTrial} from '../../src/app/serve/trial/start-trial.ts'
import {loadConfig} from '../../src/config/load.ts'
import {makeCertificates} from '../support/certificates.ts'
import {run, start} from '../support/run.ts'
import {type Mistake, mistakes, secret} from './mistake-rows.ts'
import {sectionMistakes} from './section-mistakes.ts'

/**
 * What operators get wrong. Each mistake ends with exit code 2, and the text has the wrong value
 * (unless it may be a secret), the line, and a remedy; no secret, and no stack trace.
 */
const folder = mkdtempSync(join(tmpdir(), 'pgroute66-mistakes-'))
let port: number
let taken: Server
beforeAll(async () => {
  makeCertificates(folder)
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=old']
  const openssl = (...args: string[]) => execFileSync('openssl', args, {cwd: folder, stdio: 'ignore'})
  const dates = '[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nserial=serial\nunique_subject=no\n'
  writeFileSync(
    join(folder, 'own.cnf'),
    `${dates}new_certs_dir=.\npolicy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n`,
  )
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(join(folder, 'serial'), '01\n')
  for (const [name, from, to] of [
    ['old', '20200101000000Z', '20210101000000Z'],
    ['new', '20990101000000Z', '21000101000000Z'],
  ] as const) {
    openssl('req', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const ca = ['-batch', '-config', 'own.cnf', '-selfsign', '-keyfile', `${name}.key`, '-in', `${name}.csr`]
    openssl('ca', ...ca, '-out', `${name}.crt`, '-startdate', from, '-enddate', to)
  }
  mkdirSync(join(folder, 'dir'))
  writeFileSync(join(folder, 'file'), '')
  writeFileSync(join(folder, 'script'), '#!/bin/sh\n', {mode: 0o644})
  chmodSync(join(folder, 'script'), 0o644)
  execFileSync('mkfifo', [join(folder, 'fifo')])
  taken = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  port = (taken.address() as {port: number}).port
})
afterAll(() => void taken.close())

const rows = Object.entries({...mistakes, sections: sectionMistakes}).flatMap(([kind, list]) =>
  list.map(([name, {yaml, line}, says, next]) => ({name: `${kind}: ${name}`, yaml, line, says, next})),
)
const filled = (text: string) => text.replaceAll('PORT', '18066').replaceAll('TAKEN', `${port}`)

describe('a mistake', () => {
  test(`${rows.length} of them`, () => expect(rows.length).toBeGreaterThanOrEqual(60))

  test.each(rows)('$name', async ({yaml, line, says, next}: Mistake & {name: string}) => {
    const path = join(mkdtempSync(join(folder, 'case-')), 'pgroute66.yml')
    const text = filled(yaml).replaceAll('DIR', folder)
    writeFileSync(path, text, {mode: 0o600})
    const error = await loadConfig({path, env: {HOME: folder}, cwd: folder, trial: startTrial}).then(
      () => new Error('accepted'),
      (reason: unknown) => reason,
    )
    const {exit, text: shown, fd} = presentError(await reportOf(error, []), 'text')
    expect([exit, fd]).toEqual([2, 2])
    expect(shown).toMatch(new RegExp(filled(says.source)))
    expect(shown).toMatch(next)
    if (line !== null) expect(shown).toContain(`${path}:${line}:`)
    expect(shown).not.toContain(secret)
    expect(shown).not.toMatch(/\n\s+at |node:internal|undefined|\[object/)
  })

  test.each([
    ['nothing is written to a pipe', ['-c', 'fifo'], /fifo is a pipe.*five seconds/],
    ['the file is missing', ['-c', 'nosuch.yml'], /nosuch\.yml does not exist/],
    ['the file is a folder', ['-c', 'dir'], /dir is a directory/],
    ['a string with an @ too many', ['postgres://u:hunter2@x@h'], /outside of user and password/],
    ['a string that is cut off', ["host=a password='hunter2"], /keyword=value/],
    ['both a file and a string', ['-c', 'file', 'host=a'], /both a configuration file and a connection string/],
  ])('of the command line: %s', async (_, args, says) => {
    const {code, stdout, stderr} = await run(['config', 'check', ...args], {cwd: folder, limitMs: 60_000})
    expect(code).toBe(2)
    expect(stderr).toMatch(says)
    expect(stdout + stderr).not.toMatch(/hunter2|\n\s+at /)
  })
})

test('the port and the sockets of the daemon of this very configuration are in order', async () => {
  const cwd = mkdtempSync(join(folder, 'own-'))
  const free = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const {port} = server.address() as {port: number}
      server.close(() => resolve(port))
    })
  })
  const yaml = `hosts: {h1: {host: 127.0.0.1, port: 1}}\nport: ${free}\nsocket: s.sock\nstate_dir: state\n`
  const check = (name: string) => run(['config', 'check', '-c', name], {cwd})
  writeFileSync(join(cwd, 'own.yml'), yaml, {mode: 0o600})
  writeFileSync(join(cwd, 'other.yml'), yaml.replace('h1', 'h2'), {mode: 0o600})
  expect(await check('own.yml')).toMatchObject({code: 0})
  const daemon = start(['serve', '-c', 'own.yml'], {cwd})
  await daemon.sees(/listening/)
  try {
    expect(await check('own.yml')).toMatchObject({code: 0, stdout: expect.stringMatching(/^ok\na dead primary/)})
    // Before a reload that adds a host.
    writeFileSync(join(cwd, 'more.yml'), yaml.replace('}}', '}, h2: {host: 127.0.0.1, port: 2}}'), {mode: 0o600})
    expect(await check('more.yml')).toMatchObject({code: 0})
    const {code, stderr} = await check('other.yml')
    expect(code).toBe(2)
    expect(stderr).toMatch(new RegExp(`port is ${free}, and another process listens`))
    expect(stderr).toMatch(/s\.sock, on which another process listens/)
  } finally {
    daemon.child.kill('SIGTERM')
    await daemon.ended
  }
})
