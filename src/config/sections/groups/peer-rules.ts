import type {OnSilent, PeerSettings} from '../../../core/settings.ts'
import type {Report} from '../../reading/report.ts'
import {below} from '../../reading/section.ts'
import {type PeerFields, peerOf} from './peer-fields.ts'

export type PeerSet = Readonly<{peers: readonly PeerSettings[]; witness: PeerSettings | null}>

type Given = Readonly<{
  peers: readonly PeerFields[]
  witness: PeerFields | null
  directory: string
  report: Report
}>

/** The peers of one group, or those at the top; each problem is told once, where it is written. */
export function peersFrom({peers, witness, directory, report}: Given): PeerSet {
  const all = [...peers, ...(witness === null ? [] : [witness])]
  for (const each of all) checkPeer(each, report)
  const urls = all.map(({url}) => url)
  for (const [index, {url, path}] of all.entries())
    if (url !== null && urls.indexOf(url) < index)
      report.refuse(path, 'CONFIG_VALUE', 'names a peer a second time', 'Remove one of the two.')
  return {
    peers: peers.flatMap((each) => peerOf(each, directory) ?? []),
    witness: witness && peerOf(witness, directory),
  }
}

function checkPeer(
  {url, path, ca_file, cert_file, key_file, token_file, server_name}: PeerFields,
  report: Report,
): void {
  if (!report.isClean(path)) return
  if (url === null) {
    report.refuse(below(path, 'url'), 'CONFIG_MISSING', 'is missing', 'Write url: https://HOST:PORT.')
    return
  }
  if ((cert_file === null) !== (key_file === null)) {
    const missing = cert_file === null ? 'cert_file' : 'key_file'
    report.refuse(below(path, missing), 'CONFIG_MISSING', 'is missing', 'Give cert_file and key_file, or neither.')
  }
  const {protocol, hostname} = new URL(url)
  const ofTls = Object.entries({ca_file, cert_file, server_name})
  const isPlain = protocol === 'http:' || protocol === 'primgr:' || (protocol === 'grpc:' && ca_file === null)
  const next =
    protocol === 'grpc:' ? 'Give ca_file, too: then harepd is asked over TLS.' : 'Write https://, or remove it.'
  for (const [key, value] of isPlain ? ofTls : [])
    if (value !== null) report.refuse(below(path, key), 'CONFIG_CONFLICT', 'is for TLS, and this peer has none', next)
  if (token_file !== null && protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) {
    const message = protocol === 'http:' ? 'would be sent in the clear' : 'is for pgroute66 alone'
    report.refuse(below(path, 'token_file'), 'CONFIG_CONFLICT', message, 'Write https://, or remove it.')
  } else if (protocol === 'http:' && !isLoopback(hostname)) {
    const message = 'is asked over plain HTTP: the network between can forge its answers'
    report.warn(path, message, 'Set ssl there, and write https://.')
  }
}

const isLoopback = (hostname: string) => /^(localhost|127\..*|\[::1\])$/.test(hostname)

export type PeerUse = Readonly<{
  confirm: readonly string[]
  onSilent: OnSilent
  /** How many hosts the group has: the data nodes. */
  hosts: number
  /** Paths of the keys in force. */
  at: Readonly<{confirm: string; peers: string; witness: string; onSilent: string}>
  report: Report
}>

/** Whether the peers of a group can do what `confirm` asks of them. */
export function checkPeerUse({peers, witness}: PeerSet, {confirm, onSilent, hosts, at, report}: PeerUse): void {
  if (!report.isClean(at.confirm, at.peers, at.witness)) return
  const doesWitnessCount = witness !== null && hosts % 2 === 0
  if (witness !== null && !doesWitnessCount) {
    const message = `does not count: the group has ${hosts} hosts, and a witness breaks the tie of an even number`
    warnOnce(report, at.witness, message, 'Remove it, or list it under peers.')
  }
  if (!confirm.includes('peers')) {
    if (peers.length > 0 || witness !== null)
      warnOnce(
        report,
        peers.length > 0 ? at.peers : at.witness,
        'is asked and shown, and decides nothing',
        'Add peers to confirm.',
      )
    return
  }
  const counted = [...peers, ...(doesWitnessCount ? [witness] : [])]
  const total = 1 + counted.length
  // Who answers at a URL of gRPC is only seen when it is asked.
  const able = 1 + counted.filter(({kind}) => kind !== 'primgr').length
  const sure = 1 + counted.filter(({kind}) => kind === 'pgroute66').length
  if (able * 2 <= total || able < 2) {
    const message = counted.length === 0 ? 'requires peers, and no peer counts' : whyNever(total, able)
    report.refuse(
      at.confirm,
      'CONFIG_CONFIRM',
      message,
      'List other pgroute66 under peers, or remove peers from confirm.',
    )
    return
  }
  if (sure * 2 <= total)
    warnOnce(
      report,
      at.confirm,
      'requires peers that are asked by gRPC: a pgroute66 there confirms, and a harepd never does',
      'Run "pgroute66 config check --connect": it says which is which.',
    )
  if (able === 2)
    warnOnce(
      report,
      at.confirm,
      'requires the only other daemon that can confirm, so writes stop while that daemon is away',
      'Add a third daemon to peers, or a witness where the number of hosts is even.',
    )
  if (onSilent === 'ignore') {
    const message = 'is ignore, so a daemon that is cut off from its peers routes to the primary on its side'
    warnOnce(report, at.onSilent, message, 'Use deny, or {hold: …} below failover_after.')
  }
}

/** What holds for all groups is told once. */
function warnOnce(report: Report, path: string, message: string, next: string): void {
  if (!report.warnings.some((warning) => warning.path === path && warning.message === message))
    report.warn(path, message, next)
}

const whyNever = (total: number, able: number) =>
  `requires more than half of ${total} voters, and only ${able} of them can confirm`
