import assert from 'node:assert/strict'
import {mkdtemp, symlink} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'vitest'
import {fakeDaemon} from '../support/fake-daemon.ts'
import {run, runJs} from '../support/run.ts'

const text = (exit: number, text: string) => ({
  exit,
  ok: exit === 0,
  host: 'host1',
  asked: 'primary',
  text,
  via: 'daemon',
  verdict: {},
  hosts: {},
  recognised: true,
})
const bodies = {
  'it is': text(0, 'host1: the only primary'),
  'it is not': text(1, 'host1: a standby'),
  'a mistake': {
    exit: 2,
    ok: false,
    error: {code: 'UNKNOWN_HOST', message: 'there is no host "host1"', next: 'Try host2.'},
    recognised: true,
  },
  unavailable: text(3, 'host1: unavailable (refused)'),
  'split brain': text(4, 'host1: split brain\nhost1 and host2 – both'),
  'no primary': text(5, 'no host is primary'),
  'a text without an end': text(0, ''),
  'a very long text': text(1, 'ü'.repeat(100_000)),
}

/**
 * The same question without a flag, with flags that change nothing, and with one that only oclif
 * reads.
 */
const ways = {fast: [], full: ['--fallback', 'probe', '--timeout', '20s'], oclif: ['-t20s']}
const haproxy = {HAPROXY_SERVER_NAME: 'host1', HAPROXY_PROXY_NAME: 'pg write'}
const fourWords = ['NOT_USED', 'NOT_USED', '10.0.0.1', '5432']
const callers = {
  'by name': {script: null, words: ['host1'], env: {}},
  'by HAProxy': {script: null, words: fourWords, env: haproxy},
  'by HAProxy, of a server on a unix socket': {
    script: null,
    words: ['NOT_USED', 'NOT_USED', '/run/s', 'NOT_USED'],
    env: haproxy,
  },
  'by a link': {script: 'pgroute66-check-standby', words: fourWords, env: haproxy},
  'by a link, by name': {script: 'pgroute66-check-primary', words: ['host1'], env: {}},
} as const

const [byName] = Object.keys(callers)
const cases = Object.entries(callers).flatMap(([caller, {script, words, env}]) =>
  Object.entries(bodies)
    .filter(([answer]) => caller === byName || answer === 'it is' || answer === 'a mistake')
    .map(([answer, body]) => ({caller, answer, body, script, words, env})),
)

test.each(cases)(
  'asked $caller, $answer: the fast path and the full command send the same question and give the same answer',
  async (given) => {
    const {body, script, words, env} = given
    await using daemon = await fakeDaemon(body)
    const cwd = await mkdtemp(join(tmpdir(), 'pgroute66-same-'))
    if (script) await symlink(runJs, join(cwd, script))
    const options = {cwd, env: {...env, PGROUTE66_SOCKET: daemon.socket}, ...(script && {script: join(cwd, script)})}
    const outcomes = await Promise.all(
      Object.values(ways).map(async (flags) => {
        const {code, stdout, stderr} = await run([...(script ? [] : ['check']), ...words, ...flags], options)
        return {code, stdout, stderr}
      }),
    )
    const [fast, ...others] = outcomes
    assert.equal(fast?.code, body.exit)
    for (const other of others) assert.deepEqual(other, fast)
    assert.deepEqual([daemon.asked.length, new Set(daemon.asked).size], [3, 1], `${daemon.asked}`)
  },
)
