import {copyFileSync, writeFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {CertificateWatch} from '../../src/app/serve/certificate-watch.ts'
import {selfSigned} from '../api/certificates.ts'
import {folder, plainConfig} from '../api/started.ts'
import {keptLog} from '../support/fake-source.ts'
import {VirtualClock} from '../support/virtual-clock.ts'

test('the end of each certificate is told, a new file a minute later, one that ends soon once in the log', async () => {
  using dir = folder()
  const clock = new VirtualClock()
  const log = keptLog()
  const [server, other] = [selfSigned(dir.path, 'server'), selfSigned(dir.path, 'other')]
  const told: ReadonlyMap<string, number>[] = []
  const ssl = {cert: {file: server.cert}, key: {file: server.key}, clientCa: {file: other.cert}}
  await using watch = new CertificateWatch({...plainConfig, ssl}, {clock, log, tell: (ends) => void told.push(ends)})
  const seen = (count: number) => expect.poll(() => told.length, {timeout: 60_000}).toBe(count)
  await seen(1)
  // The authorities of clients are not the daemon's own certificate.
  expect([...(told[0]?.keys() ?? [])]).toEqual(['ssl.cert_file'])
  const end = told[0]?.get('ssl.cert_file') ?? 0
  expect(end).toBeGreaterThan(Date.parse('2026-01-01'))

  await clock.run(end - clock.wall() - 3_600_000 - 60_000)
  await expect.poll(() => log.lines.length, {timeout: 60_000}).toBe(1)
  expect(log.lines[0]?.message).toMatch(/the certificate of ssl\.cert_file expires on .*Renew/)
  const before = told.length
  await clock.run(60_000)
  await seen(before + 1)
  expect(log.lines).toHaveLength(1)

  writeFileSync(server.cert, 'half a file')
  await clock.run(60_000)
  await seen(before + 2)
  expect(told.at(-1)?.size).toBe(0)
  copyFileSync(other.cert, server.cert)
  watch.applyConfig({...plainConfig, ssl})
  await seen(before + 3)
  expect(told.at(-1)?.size).toBe(1)
})

test('an instance of a set watches what it shows to the other instances and to their etcd', async () => {
  using dir = folder()
  const [toOthers, toEtcd] = [selfSigned(dir.path, 'others'), selfSigned(dir.path, 'etcd')]
  const etcd = {endpoints: ['https://10.0.0.10:2379'], user: null, passwordFile: null}
  const cluster = {
    ...{set: 'prod', id: 'lb1', url: 'https://lb1:8443', ttlMs: 10_000, hasStandby: false},
    ...{caFile: toEtcd.cert, certFile: toOthers.cert, keyFile: toOthers.key},
    etcd: {...etcd, caFile: toOthers.cert, certFile: toEtcd.cert, keyFile: toEtcd.key},
  }
  const told: ReadonlyMap<string, number>[] = []
  const deps = {
    clock: new VirtualClock(),
    log: keptLog(),
    tell: (ends: ReadonlyMap<string, number>) => void told.push(ends),
  }
  await using _ = new CertificateWatch({...plainConfig, cluster}, deps)
  await expect.poll(() => told.length, {timeout: 60_000}).toBe(1)
  expect([...(told[0]?.keys() ?? [])]).toEqual(['cluster.cert_file', 'cluster.etcd.cert_file'])
})
