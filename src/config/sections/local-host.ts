import {addressKey} from '../../core/offers/address-key.ts'
import type {HostSettings} from '../../core/settings.ts'
import {nearest} from '../../core/words/nearest.ts'
import type {OwnAddresses} from '../../system/own-addresses.ts'
import type {Report} from '../reading/report.ts'
import {nameForm} from './hosts/host-name.ts'

/** The host that the key `local` names; `null`: it names none, which is reported. */
export function namedHost(name: string, hosts: readonly HostSettings[], report: Report): string | null {
  const names = hosts.map((host) => host.name)
  if (names.includes(name)) return name
  const near = nearest(name, names)
  const next = near ? `Did you mean "${near}"?` : `Write one of ${names.slice(0, 12).join(', ')}.`
  report.refuse('local', 'CONFIG_UNKNOWN_HOST', `${report.quote(name, nameForm)}is not the name of a host`, next)
  return null
}

/**
 * The one host with an address of this machine; `null`: none, or several, which is reported. `about`: what
 * needs the host ("local_api answers about").
 */
export function foundHost(
  hosts: readonly HostSettings[],
  own: OwnAddresses,
  {report, about}: Readonly<{report: Report; about: string}>,
): string | null {
  const found = hosts.filter((host) => addressesOf(host).some((address) => isOwn(address, own)))
  const [only, ...more] = found.map(({name}) => name)
  if (only !== undefined && more.length === 0) return only
  const why = only === undefined ? 'no host has' : `${[only, ...more].join(' and ')} have`
  const names = found.length > 0 ? found : hosts
  report.refuse(
    'local',
    'CONFIG_MISSING',
    `is missing: ${about} the host on this machine, and ${why} an address of this machine`,
    `Write "local: ${names[0]?.name}", or another of the hosts.`,
  )
  return null
}

/** An alias with a port is a pooler or a NAT in front of the host, on a machine of its own. */
const addressesOf = ({connection: {host, hostaddr}, aliases}: HostSettings): readonly string[] => [
  ...(hostaddr === null ? [host] : [hostaddr]),
  ...aliases.filter((alias) => !/^(\[.*\]|[^:]*):\d+$/.test(alias)),
]

function isOwn(address: string, {addresses, hostname}: OwnAddresses): boolean {
  // The path of a unix socket.
  if (address.startsWith('/')) return true
  const key = addressKey(address)
  if (key.startsWith('127.') || key === addressKey('::1') || key === 'localhost') return true
  // One of the two may be written without its domain.
  const [name, label] = [hostname.toLowerCase(), hostname.toLowerCase().split('.', 1)[0]]
  const isName = key === name || key === label || (!name.includes('.') && key.split('.', 1)[0] === name)
  return isName || addresses.some((own) => addressKey(own) === key)
}
