import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {expect, onTestFinished, test} from 'vitest'
import type {PeerSettings} from '../../src/core/settings.ts'
import {peersText, tryPeers} from '../../src/sources/peer/connection-test.ts'
import {systemClock} from '../../src/system/clock.ts'
import {started} from '../api/started.ts'
import {groupSettings} from '../support/settings.ts'
import {primary, standby} from '../support/snapshots.ts'

const peer = (url: string, kind: PeerSettings['kind'] = 'pgroute66'): PeerSettings => ({
  kind,
  url,
  caFile: null,
  certFile: null,
  keyFile: null,
  tokenFile: null,
  serverName: null,
})
/** Of the daemon that the tests start. */
const machine = 'b1946ac92492d2347c6235b4d2611184'

test('each peer is asked for each group: whom it sees, and what keeps it from voting', async () => {
  await using api = await started({
    hosts: {host1: primary(), host2: standby(), b1: standby()},
    groups: {orders: ['host1', 'host2'], payments: ['b1']},
  })
  const primgr = createServer((_, response) => void response.end('{"Primary": "node-1"}'))
  await new Promise<void>((resolve) => primgr.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void primgr.close())
  const primgrUrl = `primgr://127.0.0.1:${(primgr.address() as AddressInfo).port}`
  const groups = [
    groupSettings('orders', ['host1', 'host2'], {
      peers: [peer(api.url), peer('https://127.0.0.1:1'), peer(primgrUrl, 'primgr')],
    }),
    groupSettings('payments', ['b1', 'b2'], {witness: peer(api.url)}),
    groupSettings('invoices', ['c1'], {peers: [peer(api.url)]}),
    groupSettings('bare', ['d1']),
  ]
  const found = await tryPeers({groups}, machine, systemClock)
  const here = 'runs on this machine, which has one vote'
  expect(found).toEqual([
    {peer: api.url, group: 'orders', primaries: ['host1'], problems: [], notes: [here]},
    {peer: 'https://127.0.0.1:1', group: 'orders', primaries: [], problems: ['refuses connections'], notes: []},
    {peer: primgrUrl, group: 'orders', primaries: ['node-1'], problems: [], notes: ['may deny, and never confirms']},
    {
      peer: `${api.url} (witness)`,
      group: 'payments',
      primaries: [],
      problems: ['does not watch b2: give it the same hosts and names'],
      notes: [here],
    },
    {peer: api.url, group: 'invoices', primaries: [], problems: ['watches no group invoices'], notes: []},
  ])
  expect(peersText(found, true).slice(0, 3)).toEqual([
    `peer ${api.url}, group orders: sees host1 as primary`,
    `  ${here}`,
    'peer https://127.0.0.1:1, group orders: refuses connections',
  ])
  const [elsewhere] = await tryPeers({groups: groups.slice(0, 1)}, 'another', systemClock)
  expect(elsewhere?.notes).toEqual([])
})
