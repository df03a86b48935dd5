import {OperatorError} from '../../core/errors.ts'
import type {WireSet} from '../../protocol/set-json.ts'
import {type HttpEndpoint, httpRequest} from '../../sources/daemon/http-request.ts'
import {print} from '../cli/print.ts'
import {type ChannelFlags, controlChannel} from './channel.ts'
import {endpointOfChannel} from './order.ts'

type Flags = Omit<ChannelFlags, 'env' | 'cwd' | 'socket'> &
  Readonly<{json: boolean; 'control-socket'?: string | undefined}>

const limitMs = 5_000

/** Prints the set as one instance sees it. Throws OperatorError where the daemon does not answer, or is in no set. */
export async function printInstances(flags: Flags): Promise<void> {
  const channel = await controlChannel({
    ...flags,
    socket: flags['control-socket'],
    env: process.env,
    cwd: process.cwd(),
  })
  const set = await readSet('socket' in channel ? {socketPath: channel.socket} : await endpointOfChannel(channel))
  print(1, flags.json ? JSON.stringify(set) : instancesText(set))
}

async function readSet(endpoint: HttpEndpoint): Promise<WireSet> {
  const signal = AbortSignal.timeout(limitMs)
  const reply = await httpRequest(endpoint, {path: '/v1/instances', signal}).catch((error: NodeJS.ErrnoException) => {
    const next = 'Start "pgroute66 serve", or name a daemon with --url.'
    throw new OperatorError('NO_DAEMON', `no daemon answers (${error.code ?? error.message})`, next, {cause: error})
  })
  if (reply.status === 200) return JSON.parse(reply.body) as WireSet
  throw new OperatorError(
    'NOT_SHARED',
    `the daemon answers ${reply.status}: it is in no set of instances`,
    'Ask an instance whose configuration has "cluster".',
  )
}

/** A line per instance, then what an operator should know. */
export function instancesText(set: WireSet): string {
  const {instances, groups, registry, warnings} = set
  const rows = [
    ['INSTANCE', 'GROUPS', 'VERSION', 'CONFIG', 'URL', ''],
    ...instances.map(({id, groups: owned, version, config_hash: hash, url, leaving, heard}) => [
      id,
      String(owned),
      version,
      hash,
      url,
      leaving ? 'leaving' : heard === null ? 'answers this' : heard || owned === 0 ? '' : 'not heard',
    ]),
  ]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const ownerless = Object.entries(groups).flatMap(([name, {owner}]) => (owner === null ? [name] : []))
  return [
    `set ${set.set}, as ${set.id} sees it`,
    ...lines,
    ...(ownerless.length > 0 ? [`without an owner: ${ownerless.join(', ')}`] : []),
    registryText(registry),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n')
}

function registryText({lost, lease_valid: isValid, size_bytes: size, quota_bytes: quota}: WireSet['registry']): string {
  const megabytes = (bytes: number) => `${(bytes / (1 << 20)).toFixed(1)} MiB`
  const used = size === null ? 'size unknown' : `${megabytes(size)}${quota === null ? '' : ` of ${megabytes(quota)}`}`
  const state = lost !== null ? `not followed: ${lost}` : isValid ? 'in reach' : 'in reach, but the lease is not valid'
  return `etcd: ${state}; ${used}`
}
