import {execFileSync} from 'node:child_process'
import {mkdtempSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test} from 'vitest'
import type {Finding} from '../../src/app/doctor/findings.ts'
import {hasHaproxy, startHaproxy} from '../support/haproxy.ts'
import {lacks} from '../support/parts.ts'
import {startPgbouncer} from '../support/pgbouncer.ts'
import {run} from '../support/run.ts'
import {site} from '../support/site.ts'

const told = (stdout: string) => {
  const {exit, findings} = JSON.parse(stdout) as {exit: number; findings: readonly Finding[]}
  for (const {state, says, remedy} of findings) {
    expect(says).not.toMatch(/\n|undefined|\[object/)
    if (state !== 'ok') expect(remedy).toMatch(/\S{3}/)
  }
  return {exit, of: (about: string | RegExp) => findings.filter((one) => one.about.match(about))}
}

test('doctor: a faulty file: each problem with its line and its remedy, and nothing is tried', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'pgroute66-doctor-'))
  writeFileSync(join(cwd, 'pgroute66.yml'), 'hosts:\n  h1: {host: a, prot: 1}\nlogfile: /no/such/folder/log\n')
  const {code, stdout} = await run(['doctor', '--json'], {cwd})
  const {exit, of} = told(stdout)
  expect([code, exit, of('configuration').length]).toEqual([2, 2, 2])
  expect(of('configuration')[0]).toMatchObject({state: 'fix', says: expect.stringContaining(':2:17: hosts.h1.prot')})
})

test.skipIf(!hasHaproxy || lacks('PgBouncer'))(
  'doctor: hosts, daemon, HAProxy and PgBouncer, well and ill',
  async () => {
    const backend = 'listen w\n    bind 127.0.0.1:{port:w}\n    server host1 127.0.0.1:1 disabled\n'
    const weaker = 'global\n    stats socket {folder}/weak.sock level operator\n'
    const [haproxy, weak] = [await startHaproxy(backend), await startHaproxy(`${weaker}${backend}`)]
    for (const each of [haproxy, weak]) onTestFinished(() => each[Symbol.asyncDispose]())
    const bouncer = await startPgbouncer()
    onTestFinished(() => bouncer[Symbol.asyncDispose]())
    const admin = `admin: "postgres://postgres:secret@127.0.0.1:${bouncer.port}/pgbouncer"`
    const sockets = [haproxy.socket, join(weak.folder, 'weak.sock')].map((socket) => `{socket: ${socket}}`)
    const {cwd, serve, host3, asks, cluster} = await site(() =>
      [
        'socket: s.sock',
        `haproxy: {backends: {w: primary}, instances: [${sockets.join(', ')}]}`,
        `pgbouncer: [{${admin}, include: ${bouncer.include}, databases: {app: primary}}]`,
      ].join('\n'),
    )
    const seen = told((await asks('doctor')('--json')).stdout)
    expect(seen.of(/^host1$/)).toMatchObject([
      {state: 'ok', says: expect.stringMatching(/^primary, PostgreSQL 1\d\.\d+, timeline 1$/)},
    ])
    expect(seen.of(/^daemon$/)).toMatchObject([
      {state: 'ok', says: expect.stringMatching(/^version \d+\.\d+\.\d+, at .*s\.sock$/)},
    ])
    expect(seen.of('group all')).toMatchObject([{state: 'ok', says: expect.stringContaining('healthy (V4)')}])
    expect(seen.of(`haproxy ${haproxy.socket}`)).toMatchObject([
      {state: 'ok', says: expect.stringMatching(/^HAProxy \d+\.\d+/)},
    ])
    expect(seen.of(/^haproxy .*weak/)[0]).toMatchObject({state: 'fix', remedy: expect.stringContaining('level admin')})
    expect(seen.of(/^pgbouncer 127/)[0]).toMatchObject({state: 'ok', says: expect.stringMatching(/^PgBouncer 1\.\d+$/)})
    expect(seen.exit).toBe(2)

    // Without the socket of too few rights, by the exit code: a host away, then the verdict, then no daemon.
    const file = join(cwd, 'pgroute66.yml')
    const text = execFileSync('cat', [file], {encoding: 'utf8'}).replace(/, \{socket: [^}]*weak\.sock\}/, '')
    writeFileSync(file, text)
    serve.child.kill('SIGHUP')
    await serve.sees('configuration reloaded')
    writeFileSync(file, `${text}loglevel: warn\n`)
    await host3.kill()
    const away = await asks('doctor')()
    expect([away.code, away.stdout]).toEqual([3, expect.not.stringMatching(/^FIX/m)])
    expect(away.stdout).toMatch(/^away {2}host3 +unavailable \(refused\)/m)
    expect(away.stdout).toMatch(
      /^note {2}daemon +it works by configuration \w+, read .*; the file is \w+ now\n +See .*reload --dry-run/m,
    )
    serve.child.kill('SIGKILL')
    await serve.ended
    await host3.start()
    const alone = told((await asks('doctor')('--json')).stdout)
    expect(alone.of(/^daemon$/)).toMatchObject([
      {state: 'away', says: expect.stringContaining('no daemon answers'), remedy: expect.stringContaining('Start it')},
    ])
    expect(alone.exit).toBe(3)
    await cluster[Symbol.asyncDispose]()
  },
)
