import type {FastifyRequest} from 'fastify'
import {describe, expect, test} from 'vitest'
import {agentQuestion} from '../../src/actuators/agent/answer.ts'
import {haproxySite} from '../../src/actuators/haproxy/site.ts'
import {lagLimits, queryOf} from '../../src/api/query.ts'
import {requestOf} from '../../src/app/check/request.ts'
import {intervalOf} from '../../src/app/cli/interval.ts'
import {Report} from '../../src/config/reading/report.ts'
import {duration} from '../../src/config/reading/scalar.ts'
import {OperatorError} from '../../src/core/errors.ts'
import {workplace} from '../config/workplace.ts'

const refused = 'refused'
const MiB = 1024 ** 2

/** What is written → what it means, at every door. `bare`: the same where a bare number is bytes. */
const lags: readonly Readonly<{text: string; bytes?: number; ms?: number; bareBytes?: number}>[] = [
  {text: '16MB', bytes: 16 * MiB},
  {text: '16MiB', bytes: 16 * MiB},
  {text: '16mb', bytes: 16 * MiB},
  {text: '64kB', bytes: 65_536},
  {text: '1.5kB', bytes: 1536},
  {text: '512B', bytes: 512},
  {text: '1GB', bytes: 1024 * MiB},
  {text: '5s', ms: 5_000},
  {text: '500ms', ms: 500},
  {text: '1m30s', ms: 90_000},
  {text: '2min', ms: 120_000},
  {text: '1h', ms: 3_600_000},
  {text: '1024', bareBytes: 1024},
  {text: '16M'},
  {text: '5S'},
  {text: '5d'},
  {text: '-1s'},
  {text: '1e3s'},
  {text: '1MB5s'},
  {text: 'MB'},
  {text: '99999999TB'},
  {text: 'soon'},
]

const orRefused = async <T>(read: () => T | Promise<T>): Promise<T | typeof refused> => {
  try {
    return await read()
  } catch (error) {
    if (error instanceof OperatorError) return refused
    throw error
  }
}

const asked = (name: string, text: string) =>
  lagLimits(queryOf({query: {[name]: text}} as unknown as FastifyRequest, name), name)
const checked = (flag: 'max-lag' | 'timeout', text: string) => requestOf({words: ['host1'], flags: {[flag]: text}}, {})

describe('a lag means the same at every door', () => {
  const doors = [
    {door: 'lag= of the API', bare: true, read: (text: string) => asked('lag', text)},
    {door: 'max_lag= of the API', bare: true, read: (text: string) => asked('max_lag', text)},
    {
      door: 'the string of HAProxy to the agent',
      bare: true,
      read: (text: string) => agentQuestion(`host1 replica lag=${text}`)?.limits ?? refused,
    },
    {door: 'check --max-lag', bare: false, read: (text: string) => checked('max-lag', text).maxLag},
  ]
  test.each(doors)('$door', async ({bare, read}) => {
    for (const {text, bytes, ms, bareBytes} of lags) {
      const lagBytes = bytes ?? (bare ? bareBytes : undefined) ?? null
      const limits =
        lagBytes === null && ms === undefined ? refused : {lagBytes, lagMs: ms ?? null, replicationState: null}
      expect(await orRefused(() => read(text)), text).toEqual(limits)
    }
  })

  test('haproxy config --max-lag', async () => {
    await using place = await workplace()
    const config = await place.load('hosts: {h1: {host: a}}\nhaproxy: {backends: {r: replica}}\nbind: 10.0.0.9')
    const site = {style: 'httpchk', daemon: undefined, ca: undefined, instance: undefined} as const
    for (const {text, bytes, ms} of lags) {
      const written = await orRefused(() => haproxySite(config, {...site, maxLag: text}).file.maxLag)
      expect(written, text).toBe(bytes === undefined && ms === undefined ? refused : text)
    }
    // Two words would be two arguments of haproxy.cfg.
    expect(haproxySite(config, {...site, maxLag: '16 MB'}).file.maxLag).toBe('16MB')
  })
})

test.each([
  {
    door: 'a key of the file',
    read: (text: string) => {
      const report = new Report()
      const ms = duration(null).read(text, 'key', report)
      return report.problems.length > 0 ? refused : ms
    },
  },
  {door: 'check --timeout', read: (text: string) => checked('timeout', text).timeoutMs},
  {door: '--interval', read: intervalOf},
])('a duration means the same at every door: $door', async ({read}) => {
  for (const {text, ms} of lags) expect(await orRefused(() => read(text)), text).toBe(ms ?? refused)
})
