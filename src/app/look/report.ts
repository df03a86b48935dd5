import {parseDuration} from '../../core/duration.ts'
import {OperatorError} from '../../core/errors.ts'
import {type Report, reportOf} from '../../core/reports/report.ts'
import {unknownNameError} from '../../core/unknown-name.ts'
import {pastFromWire} from '../../protocol/change-json.ts'
import type {WireSnapshot} from '../../protocol/snapshot-json.ts'
import {print} from '../cli/print.ts'
import {controlChannel} from '../control/channel.ts'
import {question} from '../control/order.ts'

export type LookFlags = Readonly<
  Partial<Record<'group' | 'url' | 'token-file' | 'ca' | 'control-socket' | 'config', string | undefined>> & {
    json: boolean
  }
>

/** `pgroute66 report`: what happened since, by the change log of the running daemon. */
export async function report(flags: LookFlags & Readonly<{since: string}>): Promise<void> {
  const sinceMs = sinceOf(flags.since)
  const channel = await controlChannel({
    ...flags,
    socket: flags['control-socket'],
    env: process.env,
    cwd: process.cwd(),
  })
  const snapshot = (await question(channel, '/v1/snapshot')) as unknown as WireSnapshot
  const {changes} = await question(channel, '/v1/changes')
  const past = Array.isArray(changes) ? changes.map(pastFromWire) : []
  const to = Date.parse(snapshot.at)
  const reports = groupsOf(snapshot, flags.group).map((group) => {
    const hosts = snapshot.groups[group]?.hosts ?? []
    const roles = Object.fromEntries(hosts.map((host) => [host, snapshot.hosts[host]?.role ?? 'unavailable']))
    return [group, reportOf({group, roles, changes: past, from: to - sinceMs, to})] as const
  })
  if (flags.json) print(1, JSON.stringify({ok: true, groups: Object.fromEntries(reports.map(wireOf))}))
  else print(1, reports.map(([group, one]) => textOf(group, one)).join('\n\n'))
}

/** A log lasts longer than a timer: days are taken too. */
export function sinceOf(text: string): number {
  const days = /^(\d{1,4})d$/.exec(text.trim())?.[1]
  if (days !== undefined) return Number(days) * 86_400_000
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    throw new OperatorError('USAGE', `--since "${text}" is not a duration`, 'Write 30d, 12h or 90min.', {cause: error})
  }
}

export function groupsOf({groups}: WireSnapshot, name: string | undefined): readonly string[] {
  const names = Object.keys(groups)
  if (name === undefined) return names
  if (names.includes(name)) return [name]
  throw unknownNameError('group', name, names)
}

const wireOf = ([group, report]: readonly [string, Report]) => [
  group,
  {
    from: new Date(report.from).toISOString(),
    to: new Date(report.to).toISOString(),
    writable_ms: report.writableMs,
    availability: report.availability,
    switches: report.switches.map(({at, from, to}) => ({at: new Date(at).toISOString(), from, to})),
    phases_ms: report.phases,
    without_standby_ms: report.withoutStandbyMs,
    restarts: report.restarts,
  },
]

function textOf(group: string, report: Report): string {
  const {from, to, availability, switches, phases, withoutStandbyMs, restarts} = report
  if (availability === null) return `${group}: the log of changes tells nothing of this time`
  const longest = Object.entries(phases).sort(([, one], [, other]) => other - one)
  const missing = restarts === 0 ? '' : `; the daemon was started again ${restarts} times, and may have missed changes`
  return [
    `${group}: ${new Date(from).toISOString()} to ${new Date(to).toISOString()} (${spanOf(to - from)})${missing}`,
    `  availability for writers  ${(100 * availability).toFixed(3)} %`,
    `  without a healthy standby ${spanOf(withoutStandbyMs)}`,
    ...longest.map(([situation, ms]) => `  ${situation.padEnd(25)} ${spanOf(ms)}`),
    `  switches                  ${switches.length}`,
    ...switches.map((one) => `    ${new Date(one.at).toISOString()} from ${one.from} to ${one.to}`),
  ].join('\n')
}

function spanOf(ms: number): string {
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`
  return ms < 86_400_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${(ms / 86_400_000).toFixed(1)} d`
}
