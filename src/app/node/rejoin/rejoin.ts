import type {RejoinPorts} from '../../../actuators/rejoin/ports.ts'
import {refusal} from '../../../actuators/rejoin/problems.ts'
import {type Outcome, rejoin} from '../../../actuators/rejoin/rejoin.ts'
import type {Config} from '../../../config/config.ts'
import {loadConfig} from '../../../config/load.ts'
import {OperatorError} from '../../../core/errors.ts'
import type {RejoinSettings} from '../../../core/node/rejoin-settings.ts'
import {isFailure} from '../../../core/ports.ts'
import type {GroupSettings, HostSettings} from '../../../core/settings.ts'
import {silentLog} from '../../../core/silent-log.ts'
import {driverFor} from '../../../sources/pg/host-drivers.ts'
import {systemClock} from '../../../system/clock.ts'
import {print} from '../../cli/print.ts'
import {confirmOthers} from './confirm.ts'
import {denyIn} from './deny.ts'
import {outcomeJson} from './outcome-json.ts'
import {sourceAccess} from './source-access.ts'

export type RejoinFlags = Readonly<{
  config?: string | undefined
  dryRun: boolean
  acceptLoss: boolean
  isAuto: boolean
  wantsClone: boolean
  json: boolean
  /** Called around each step; tests end the process there. */
  reached?: RejoinPorts['reached']
}>

/** The whole command. Returns the exit code. Throws OperatorError. */
export async function runRejoin(flags: RejoinFlags): Promise<number> {
  const config = await loadConfig({path: flags.config, env: process.env, cwd: process.cwd()})
  const {settings, host, group} = siteOf(config)
  const managed = managerOf(group)
  const {isAuto, acceptLoss, wantsClone, dryRun: isDry} = flags
  const request = {
    host: host.name,
    settings,
    asked: {isAuto, acceptLoss, wantsClone, isDry},
    exempt: {
      repmgr: group.repmgr ?? (settings.register === null ? null : {dbname: 'repmgr', schema: 'repmgr'}),
      table: config.availability?.table ?? null,
    },
  }
  const outcome: Outcome =
    managed === null
      ? await rejoin(request, portsOf(config, {settings, host, group}, flags))
      : {...refusal(7, managed, 'Use the commands of that tool.'), plan: null, steps: [], done: []}
  if (flags.json) print(1, JSON.stringify(outcomeJson(outcome), null, 2))
  else if (outcome.exit === 0) print(1, `rejoin: ${outcome.why}.`)
  else print(2, `pgroute66: ${outcome.why}\n${outcome.next}`)
  return outcome.exit
}

type Site = Readonly<{settings: RejoinSettings; host: HostSettings; group: GroupSettings}>

/** Throws OperatorError where the file is for no rejoin. */
export function siteOf(config: Config): Site {
  const {rejoin: settings, local} = config
  if (settings === null)
    throw new OperatorError('REJOIN_MISSING', 'the configuration has no "rejoin"', 'Add "rejoin: {pgdata: …}".')
  const host = config.hosts.find(({name}) => name === local)
  const groups = config.groups.filter(({hosts}) => host !== undefined && hosts.includes(host.name))
  const [group, other] = groups
  if (host === undefined || group === undefined || other !== undefined)
    throw new OperatorError(
      'REJOIN_MISSING',
      `host ${local ?? '(none)'} is in ${groups.length} groups, and rejoin works for a host in one`,
      'Write "local:" with a host that is in exactly one group.',
    )
  return {settings, host, group}
}

const managerOf = ({patroni, pgaf}: GroupSettings): string | null => {
  if (patroni !== null) return 'the configuration says that Patroni keeps this cluster: Patroni brings its members back'
  return pgaf === null ? null : 'the configuration says that pg_auto_failover keeps this cluster: it brings nodes back'
}

function portsOf(config: Config, {settings, host, group}: Site, {json, reached = () => {}}: RejoinFlags): RejoinPorts {
  const {guard} = config
  const named = group.repmgr?.nodes[host.name] ?? host.name
  return {
    confirm: () => confirmOthers(config, group, host),
    async accessTo(source) {
      const found = config.hosts.find(({name}) => name === source)
      if (found === undefined) throw new Error(`there is no host ${source}`)
      return sourceAccess(found, settings, named)
    },
    deny: guard === null ? null : (dataDirectory) => denyIn(dataDirectory, guard, settings),
    streamsOn: () => streamsOn(config, host),
    say: (line) => print(json ? 2 : 1, line),
    reached,
    now: () => systemClock.now(),
    wall: () => systemClock.wall(),
  }
}

/** By the monitor's own question to the server of this machine. */
async function streamsOn(config: Config, host: HostSettings): Promise<number | null> {
  const driver = driverFor(config, systemClock, silentLog)(host)
  const {signal} = new AbortController()
  try {
    const session = await driver.open(signal)
    if (isFailure(session)) return null
    const facts = await session.probe({nudge: false}, signal)
    if (isFailure(facts) || facts.receiver?.status !== 'streaming') return null
    return facts.receiver.receivedTimeline
  } finally {
    await driver.close()
  }
}
