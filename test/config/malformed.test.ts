import {expect, test} from 'vitest'
import {fromFile} from '../../src/config/load.ts'
import {ConfigError} from '../../src/config/reading/problem.ts'
import {OperatorError} from '../../src/core/errors.ts'

const secrets = ['hunter2', 'aHVudGVyMg==', 's3cr3tk3y', 'czNjcjN0azN5', 'x1y2z3pass']
const sample = `hosts:
  host1: {host: 10.0.0.1, port: 5432, user: pgroute66, password: aHVudGVyMg==, dbname: postgres, sslmode: verify-full}
  host2: {host: 10.0.0.2, user: pgroute66, password: x1y2z3pass, password_encoding: plain, location: mr,
    aliases: [10.1.0.2]}
  host3:
    host: 10.0.0.3
    b64password: "aHVudGVyMg=="
groups:
  orders: [host1, host2, host3]
  parts: {hosts: [host1, host2, host3], confirm: [majority], on_silent: deny, read_fallback: any}
bind: 127.0.0.1
port: 8443
loglevel: info
probe: {interval: 1s, fast_interval: 100ms, timeout: 1s, connect_timeout: 3s, max_age: 3s}
confirm: [followers]
followers: {max_age: 10s, nudge: true}
availability: {interval: 1s, table: public.pgr66_avc, limit: 10s}
socket: /run/pgroute66/pgroute66.sock
state_dir: /var/lib/pgroute66
check: {timeout: 800ms}
haproxy: {backends: {pg_write: primary, pg_read: replica}}
`

/** A seed replays the whole run (mulberry32). */
function chance(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Each spoils a file the way people, editors and templates do. */
function mutations(random: () => number) {
  const below = (count: number) => Math.floor(random() * count)
  const pick = <T>(from: readonly T[]) => from[below(from.length)] as T
  const atRandom = (text: string, change: (index: number) => [number, string]) => {
    const [length, insert] = change(below(text.length))
    const index = below(text.length)
    return text.slice(0, index) + insert + text.slice(index + length)
  }
  const line = (text: string, change: (line: string) => string) => {
    const lines = text.split('\n')
    const index = below(lines.length)
    return [...lines.slice(0, index), change(lines[index] ?? ''), ...lines.slice(index + 1)].join('\n')
  }
  return [
    (text: string) => atRandom(text, () => [1 + below(4), '']),
    (text: string) =>
      atRandom(text, () => [
        0,
        pick([
          '{',
          '}',
          '[',
          ']',
          ': ',
          '"',
          "'",
          '&a ',
          '*a ',
          '!x ',
          '\t',
          '\n',
          '- ',
          '|',
          '#',
          '%',
          '\0',
          ',',
          '\u0007',
        ]),
      ]),
    (text: string) => text.slice(0, below(text.length)),
    (text: string) => line(text, (old) => `${old}\n${old}`),
    (text: string) => line(text, (old) => ` ${old}`),
    (text: string) => line(text, (old) => old.replace(/: .*/, ': {}')),
    (text: string) => line(text, (old) => old.replace(/: .*/, ': [1, [2]]')),
    (text: string) => line(text, (old) => old.replace(/: .*/, `: ${pick(secrets)}`)),
    (text: string) =>
      text.replace(
        pick(['aHVudGVyMg==', 'x1y2z3pass']),
        pick([
          'hunter2',
          'hunter2, s3cr3tk3y',
          '{hunter2: s3cr3tk3y}',
          '[hunter2]',
          '*hunter2',
          '!hunter2',
          '&hunter2 x',
          'a: hunter2',
          '"hunter2',
        ]),
      ),
    (text: string) =>
      text.replace(
        pick(['password', 'b64password', 'host', 'port', 'interval', 'confirm', 'probe', 'groups']),
        (key) => `${key.slice(0, -1)}x`,
      ),
    (text: string) => text.replace(/\d+m?s\b/, pick(['5', '-1s', '1 year', '', '1e9s', '99999h', 'NaN'])),
    (text: string) =>
      text.replace(/\bhost[123]\b/, pick(['all', 'node', 'h/1', '__proto__', 'constructor', '..', 'é', ''])),
    (text: string) =>
      text +
      pick([
        'ssl: {cert: czNjcjN0azN5, key: s3cr3tk3y}',
        'ssl: s3cr3tk3y',
        'peers: [s3cr3tk3y]',
        'hosts: {}',
        's3cr3tk3y',
        '- s3cr3tk3y',
        '--- s3cr3tk3y',
        '? {s3cr3tk3y: x}',
      ]),
  ]
}

test('thousands of spoilt files: a clear refusal or a configuration, never a crash, never a secret', async () => {
  const random = chance(66)
  const spoil = mutations(random)
  let refused = 0
  for (let round = 0; round < 3000; round += 1) {
    let text = sample
    for (let times = 0; times <= random() * 3; times += 1)
      text = (spoil[Math.floor(random() * spoil.length)] ?? String)(text)
    const error = await fromFile({path: '/x/pgroute66.yml', text, mode: 0o600}, {HOME: '/nowhere', PGUSER: 'u'}).then(
      () => null,
      (reason: unknown) => reason,
    )
    if (error === null) continue
    refused += 1
    expect(error, `round ${round}: ${text}`).toBeInstanceOf(OperatorError)
    const {message, next, code, stack, cause} = error as OperatorError
    expect([code, next].every(Boolean)).toBe(true)
    const found = error instanceof ConfigError ? error.problems : []
    for (const problem of found) expect(Object.values(problem).every(Boolean), `round ${round}`).toBe(true)
    const output = `${message} ${next} ${stack} ${JSON.stringify(found)} ${String(cause)}`
    for (const secret of secrets) expect(output, `round ${round}: ${text}`).not.toContain(secret)
  }
  expect(refused).toBeGreaterThan(200)
})
