import {expect, test} from 'vitest'
import {effective} from '../../src/config/printing/effective.ts'
import {problems, workplace} from './workplace.ts'

const hosts = (count: number) =>
  `hosts: {${Array.from({length: count}, (_, index) => `h${index + 1}: {host: 10.0.0.${index + 1}}`).join(', ')}}\n`
const [one, two, three] = [hosts(1), hosts(2), hosts(3)]
const pair = 'peers: [https://lb2:8443, https://lb3:8443]\n'
const mutual =
  '{url: https://lb2:8443, ca_file: ca.pem, cert_file: c.pem, key_file: /k.pem, token_file: token, server_name: lb}'

test('peers and the witness are read, for all groups and for one, and printed as they were written', async () => {
  await using place = await workplace()
  const config = await place.load(
    `${hosts(4)}groups: {a: {hosts: [h1, h2], peers: [${mutual}], witness: https://w/}, b: [h3, h4]}\n` +
      `confirm: [peers]\n${pair}witness: https://[::1]:9443`,
  )
  const bare = {caFile: null, certFile: null, keyFile: null, tokenFile: null, serverName: null}
  const [a, b] = config.groups
  expect(a?.peers).toEqual([
    {
      kind: 'pgroute66',
      url: 'https://lb2:8443',
      caFile: `${place.directory}/ca.pem`,
      certFile: `${place.directory}/c.pem`,
      keyFile: '/k.pem',
      tokenFile: `${place.directory}/token`,
      serverName: 'lb',
    },
  ])
  expect(a?.witness).toEqual({kind: 'pgroute66', url: 'https://w', ...bare})
  expect(b?.peers.map(({url}) => url)).toEqual(['https://lb2:8443', 'https://lb3:8443'])
  expect(b?.witness).toEqual({kind: 'pgroute66', url: 'https://[::1]:9443', ...bare})
  expect(effective(config)).toMatchObject({
    groups: {
      a: {witness: 'https://w', peers: [{url: 'https://lb2:8443', key_file: '/k.pem', server_name: 'lb'}]},
      b: {witness: 'https://[::1]:9443', peers: ['https://lb2:8443', 'https://lb3:8443']},
    },
  })
})

test.each([
  ['no URL', `${three}peers: [lb2]`, 'peers[0]', 'CONFIG_VALUE', 'https://HOST:PORT'],
  ['another scheme', `${three}peers: ["ftp://lb2"]`, 'peers[0]', 'CONFIG_VALUE', 'not the URL of a peer'],
  ['a password in the URL', `${three}peers: ["https://a:b@lb2"]`, 'peers[0]', 'CONFIG_VALUE', 'password'],
  ['a path', `${three}peers: ["https://lb2/v1/view"]`, 'peers[0]', 'CONFIG_VALUE', 'more than a host'],
  ['a mapping without URL', `${three}peers: [{ca_file: a}]`, 'peers[0].url', 'CONFIG_MISSING', 'https://'],
  [
    'a typing error',
    `${three}peers: [{url: https://a, ca_flie: a}]`,
    'peers[0].ca_flie',
    'CONFIG_UNKNOWN_KEY',
    'ca_file',
  ],
  [
    'a certificate without key',
    `${three}witness: {url: https://a, cert_file: a}`,
    'witness.key_file',
    'CONFIG_MISSING',
    'neither',
  ],
  [
    'TLS over plain HTTP',
    `${three}peers: [{url: "http://a", ca_file: a}]`,
    'peers[0].ca_file',
    'CONFIG_CONFLICT',
    'https',
  ],
  [
    'a token in the clear',
    `${three}peers: [{url: "http://a", token_file: a}]`,
    'peers[0].token_file',
    'CONFIG_CONFLICT',
    'clear',
  ],
  ['one peer twice', `${three}peers: [https://a, https://b, "https://a/"]`, 'peers[2]', 'CONFIG_VALUE', 'second time'],
  [
    'a witness that is a peer',
    `${three}peers: [https://a]\nwitness: https://a`,
    'witness',
    'CONFIG_VALUE',
    'second time',
  ],
  ['TLS for primgr', `${three}peers: [{url: "primgr://a", ca_file: a}]`, 'peers[0].ca_file', 'CONFIG_CONFLICT', 'TLS'],
  [
    'a name for harepd without TLS',
    `${three}peers: [{url: "grpc://a", server_name: b}]`,
    'peers[0].server_name',
    'CONFIG_CONFLICT',
    'ca_file',
  ],
  [
    'a token for harepd',
    `${three}peers: [{url: "grpc://a", token_file: b}]`,
    'peers[0].token_file',
    'CONFIG_CONFLICT',
    'pgroute66 alone',
  ],
  [
    'primgr alone to confirm',
    `${three}confirm: [peers]\npeers: [primgr://a, primgr://b]`,
    'confirm',
    'CONFIG_CONFIRM',
    'only 1 of them',
  ],
  [
    'too many that cannot confirm',
    `${three}confirm: [peers]\npeers: [https://a, primgr://b, primgr://c]`,
    'confirm',
    'CONFIG_CONFIRM',
    '4 voters, and only 2',
  ],
  ['no peer to confirm', `${three}confirm: [peers]`, 'confirm', 'CONFIG_CONFIRM', 'no peer counts'],
  [
    'a witness alone, of three hosts',
    `${three}confirm: [peers]\nwitness: https://w`,
    'confirm',
    'CONFIG_CONFIRM',
    'no peer counts',
  ],
  [
    'no peer of one group',
    `${two}groups: {a: {hosts: [h1, h2], confirm: [peers]}}`,
    'groups.a.confirm',
    'CONFIG_CONFIRM',
    'no peer counts',
  ],
])('refused: %s', async (_, yaml, path, code, word) => {
  await using place = await workplace()
  const found = await problems(place.load(yaml))
  expect(found.map((problem) => problem.path)).toEqual([path])
  expect(found[0]?.code).toBe(code)
  expect(`${found[0]?.message} ${found[0]?.next}`).toContain(word)
})

test.each([
  ['two peers of three hosts', `${three}confirm: [peers]\n${pair}`, []],
  ['a peer and a witness of two hosts', `${two}confirm: [peers]\npeers: [https://a]\nwitness: https://w`, []],
  ['peers of a single host', `${one}confirm: [peers]\n${pair}`, []],
  [
    'peers by gRPC, of which it is not known what they are',
    `${three}confirm: [peers]\npeers: [grpc://a, grpc://b]`,
    ['confirm requires peers that are asked by gRPC'],
  ],
  ['one peer alone', `${three}confirm: [peers]\npeers: [https://a]`, ['confirm requires the only other daemon']],
  [
    'a witness of three hosts',
    `${three}confirm: [peers]\n${pair}witness: https://w`,
    ['witness does not count: the group has 3 hosts'],
  ],
  ['peers that are not asked for', `${three}${pair}`, ['peers is asked and shown, and decides nothing']],
  ['a witness that is not asked for', `${two}witness: https://w`, ['witness is asked and shown, and decides nothing']],
  [
    'silence that is ignored',
    `${three}confirm: [peers]\n${pair}on_silent: ignore`,
    ['on_silent is ignore, so a daemon'],
  ],
  [
    'plain HTTP',
    `${three}confirm: [peers]\npeers: ["http://a", "http://127.0.0.1:81"]`,
    ['peers[0] is asked over plain HTTP'],
  ],
  ['what holds for two groups', `${hosts(4)}groups: {a: [h1, h2], b: [h3, h4]}\n${pair}`, ['peers is asked and shown']],
])('warned of, each once: %s', async (_, yaml, warnings) => {
  await using place = await workplace()
  const config = await place.load(yaml)
  expect(config.warnings.map(({path, message}) => `${path} ${message}`)).toEqual(
    warnings.map((begin) => expect.stringContaining(begin)),
  )
})

test('the last answer of peers may be held, and a pair with peers sustains its primary', async () => {
  await using place = await workplace()
  const config = await place.load(`${two}confirm: [peers]\n${pair}on_silent: {hold: 10s}\nfailover_after: 30s`)
  expect(config.groups).toMatchObject([{onSilent: {holdMs: 10_000}, sustainMs: 30_000}])
  expect((await place.load(`${two}${pair}`)).groups).toMatchObject([{sustainMs: 0}])
})
